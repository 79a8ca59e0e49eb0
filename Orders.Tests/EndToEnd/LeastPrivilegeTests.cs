using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Backlog;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Operations;
using Orders.Messaging;

namespace Orders.Tests.EndToEnd;

/// <summary>The system as it is deployed: the topology made before, and each program with a user that may do what it needs.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnBrokers))]
internal sealed class LeastPrivilegeTests(TransportUnderTest transport) : OrderSystemTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [SetUp]
    public async Task StartAsync()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.DeployUsersAsync();
    }

    [Test]
    public async Task An_order_goes_all_the_ways_that_an_order_can_go()
    {
        await using var webhook = await WebhookReceiver.StartAsync();
        webhook.Answer = number => number == 0 ? HttpStatusCode.ServiceUnavailable : HttpStatusCode.OK;
        (string, string?) tellWebhook = ("Alerts__Webhook__Url", webhook.Url);
        await TheSystem.DeployTopologyAsync(tellWebhook);
        await StartProgramsAsync(tellWebhook);

        await TheSystem.PlaceAsync("good");
        await TheSystem.Mail.WaitFor("the confirmation", _ => TheSystem.ConfirmedOrders.Contains("good"));

        // Retried, redelivered, set aside, replayed, parked, and people are told.
        TheSystem.Mail.On(SmtpStep.Recipient, recipient => recipient == OrderSystem.Operator ? null : "451 4.3.0 Try again later");
        await TheSystem.PlaceAsync("unlucky");
        await TheSystem.WaitForParked(1);
        await TheSystem.Mail.WaitFor("the alert", _ => TheSystem.Alerts.Count == 1);
        await webhook.WaitForAsync(2);

        // What nobody can read goes the same way.
        await TheSystem.SendRawAsync("no order"u8.ToArray(), "application/json");
        await TheSystem.WaitForParked(2);
        await TheSystem.Mail.WaitFor("the second alert", _ => TheSystem.Alerts.Count == 2);

        // And a person sends back what can be sent.
        TheSystem.Mail.AsUsual(SmtpStep.Recipient);
        var operation = await TheSystem.Worker.GetRequiredService<FaultOperations>().StartAsync(
            new FaultRequest(ConfirmationFaults.Parked, FaultAction.Replay, new FaultFilter { OrderId = "unlucky" }), "olga", CancellationToken.None);
        await TheSystem.Mail.WaitFor("the confirmation after all", _ => TheSystem.ConfirmedOrders.Contains("unlucky"));
        var audit = await Eventually.GetAsync(
            "the record of it",
            cancellationToken => TheSystem.Worker.GetRequiredService<IAuditTrail>().ReadAsync(new AuditQuery(operation.Id), cancellationToken),
            entries => entries.Count == 3,
            Patience);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(audit.Select(entry => entry.Who), Is.All.EqualTo("olga"));
            Assert.That(
                TheSystem.Log.All.Where(entry => entry.Message.Contains("ACCESS_REFUSED", StringComparison.Ordinal)), Is.Empty,
                "Nothing that the programs do by themselves is refused.");
        }
    }

    [Test]
    public async Task The_depth_of_every_queue_is_known()
    {
        (string, string?) tellWebhook = ("Alerts__Webhook__Url", "http://127.0.0.1:1");
        await TheSystem.DeployTopologyAsync(tellWebhook);
        await StartProgramsAsync(tellWebhook);
        using var depths = Measured<long>.By(TheSystem.Worker, "orders.queue.messages");
        var queues = TheSystem.Worker.GetRequiredService<OurQueues>();

        await TheSystem.Worker.GetRequiredService<BacklogWatch>().LookAsync(CancellationToken.None);

        Assert.That(
            queues.Worked.Concat(queues.Delays).Where(queue => depths.Observe("messaging.destination.name", queue) is null), Is.Empty);
    }

    [Test]
    public async Task Programs_wait_for_a_topology_that_is_not_there_and_say_so_once()
    {
        var programs = StartProgramsAsync();
        await TheSystem.Log.WaitFor<BrokerWatch>(20);

        await TheSystem.DeployTopologyAsync();
        await programs;
        await TheSystem.PlaceAsync("1");

        await TheSystem.Mail.WaitForMessages(1);
        Assert.That(
            TheSystem.Log.Of<BrokerWatch>(20),
            Is.EqualTo(["The broker takes no messages: its queues and exchanges have not been deployed; run the worker's command deploy-topology"]));
    }

    private async Task StartProgramsAsync(params (string Name, string? Value)[] settings)
    {
        await TheSystem.StartWorkerAsync(settings: [("Worker__Role", "Confirmations"), .. BrokerUsers.SettingsOf(BrokerUsers.Worker)]);
        await TheSystem.StartWorkerAsync(settings: [("Worker__Role", "Faults"), .. settings, .. BrokerUsers.SettingsOf(BrokerUsers.Redeliver)]);
        await TheSystem.StartApiAsync(BrokerUsers.SettingsOf(BrokerUsers.Api));
    }
}
