using Microsoft.Extensions.DependencyInjection;
using Orders.FaultQueues;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Queues;
using Orders.Tests.EndToEnd;

namespace Orders.Tests.FaultQueues;

/// <summary>What fails in the queues behind the emails: alerts that could not be sent, and news of orders that nobody could read.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.InMemoryAndOnQuorumQueues))]
internal sealed class OwnQueuesTests(TransportUnderTest transport) : OrderSystemTests
{
    [Test]
    public async Task News_that_nobody_could_read_stays_until_a_person_parks_and_discards_it()
    {
        TheSystem = await OrderSystem.StartAsync(transport);

        await TheSystem.SendRawAsync("no news"u8.ToArray(), "application/json", queue: "order-status");
        await WaitForAsync(Status.Error, 1);
        var explanation = await ExplainAsync(Status.Error);
        await ActAsync(Status.Error, FaultAction.Park);
        await WaitForAsync(Status.Parked, 1);
        await ActAsync(Status.Parked, FaultAction.Discard);

        await WaitForAsync(Status.Parked, 0);
        Assert.That(explanation, Does.Contain("leaves this queue alone"));
        Assert.That(TheSystem.Alerts, Is.Empty, "It is about no email.");
    }

    [Test]
    public async Task An_alert_that_could_not_be_sent_is_sent_when_a_person_replays_it()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        TheSystem.Mail.On(SmtpStep.Recipient, _ => "550 5.1.1 User unknown");

        await TheSystem.PlaceAsync("12345");
        await WaitForAsync(Alert.Error, 1);
        TheSystem.Mail.AsUsual(SmtpStep.Recipient);
        await ActAsync(Alert.Error, FaultAction.Replay);

        await TheSystem.Mail.WaitFor("the alert", _ => TheSystem.Alerts.Count == 1);
        await WaitForAsync(Alert.Error, 0);
        Assert.That(TheSystem.Alerts.Single().Subject, Does.Contain("12345"));
    }

    private FaultEndpoint Status => EndpointOf("order-status");

    private FaultEndpoint Alert => EndpointOf("order-confirmation-alert");

    private FaultInspector Inspector => TheSystem.Worker.GetRequiredService<FaultInspector>();

    private FaultEndpoint EndpointOf(string queue) => TheSystem.Worker.GetRequiredService<FaultEndpoints>().Get(queue);

    private Task<long> WaitForAsync(FaultQueue queue, long count) => Eventually.GetAsync(
        $"{count} messages in {queue}", cancellationToken => Inspector.CountAsync(queue, cancellationToken), found => found == count, TimeSpan.FromSeconds(60));

    private async Task<string> ExplainAsync(FaultQueue queue)
    {
        var fault = (await Inspector.ListAsync(queue, new FaultFilter(), 0, 1, CancellationToken.None)).Items.Single();
        return (await Inspector.FindAsync(queue, fault.Id, CancellationToken.None))!.Explanation;
    }

    private async Task ActAsync(FaultQueue queue, FaultAction action)
    {
        var operations = TheSystem.Worker.GetRequiredService<FaultOperations>();
        var operation = await operations.StartAsync(new FaultRequest(queue, action, new FaultFilter(), "by hand"), "olga", CancellationToken.None);
        await operations.WaitAsync(operation.Id, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));
    }
}
