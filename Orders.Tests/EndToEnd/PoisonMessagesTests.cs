using Notifications.Worker.Pipeline;
using Orders.FaultQueues;
using Orders.Messaging.Failures;

namespace Orders.Tests.EndToEnd;

/// <summary>A message that kills every worker that takes it. Quorum queues count that; classic ones do not.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnQuorumQueues))]
internal sealed class PoisonMessagesTests(TransportUnderTest transport) : OrderSystemTests
{
    [Long]
    [Test]
    public async Task A_message_that_goes_on_killing_its_worker_is_parked_with_an_alert()
    {
        const int Limit = 5;
        (string, string?) limited = ("OrderConfirmation__DeliveryLimit", $"{Limit}");
        Assert.That(new NotificationOptions().DeliveryLimit, Is.EqualTo(20), "A limit of 20 takes four times as long to reach.");
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.StartApiAsync();
        var hold = TheSystem.Mail.Hold(SmtpStep.Recipient);
        await using (await TheSystem.StartWorkerProcessAsync(("Worker__Role", "Confirmations"), limited))
        {
            await TheSystem.PlaceAsync("poison");
            await hold.Reached();
        }

        var kills = 1;
        while (kills < 2 * Limit && await KillInMidSendAsync(hold, limited))
        {
            kills++;
        }

        hold.Release();
        await TheSystem.StartWorkerAsync(settings: ("Worker__Role", "Faults"));
        var parked = (await TheSystem.WaitForParked(1)).Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(kills, Is.EqualTo(Limit));
            Assert.That(parked.OrderId, Is.EqualTo("poison"));
            Assert.That(parked.Kind, Is.EqualTo(FailureKind.Permanent));
            Assert.That(parked.Error, Does.Contain("the worker died"));
            Assert.That((await TheSystem.Mail.WaitForMessages(1))[0].Recipients, Is.EqualTo([OrderSystem.Operator]));
        }
    }

    [Test]
    public async Task A_delivery_limit_that_somebody_sets_by_policy_leads_to_parking_too()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.StartApiAsync();
        var hold = TheSystem.Mail.Hold(SmtpStep.Recipient);
        await using (await TheSystem.StartWorkerProcessAsync(("Worker__Role", "Confirmations")))
        {
            await TheSystem.RunCtlAsync("set_policy", "--apply-to", "queues", "limit", $"^{OrderConfirmationEndpoint.Queue}$", """{"delivery-limit":2}""");
            await TheSystem.PlaceAsync("poison");
            await hold.Reached();
        }

        while (await TheSystem.CountAsync(OrderConfirmationEndpoint.ParkingQueue) == 0 && await KillInMidSendAsync(hold))
        {
        }

        await TheSystem.WaitForCountAsync(OrderConfirmationEndpoint.ParkingQueue, 1);
        hold.Release();

        // Nobody of ours parked it, so nobody has told of it.
        await TheSystem.StartWorkerAsync(settings: ("Worker__Role", "Faults"));
        await TheSystem.Mail.WaitFor("the alert", mail => mail.Messages.Any(message => message.Recipients.Contains(OrderSystem.Operator)));
        var parked = await Eventually.GetAsync(
            "the reason on the message",
            _ => TheSystem.ReadAsync(OrderConfirmationEndpoint.ParkingQueue),
            faults => faults.Count == 1 && faults[0].Text(FaultHeaders.ParkedReason) is not null,
            TimeSpan.FromSeconds(20));
        Assert.That(parked[0].Text(FaultHeaders.ParkedReason), Does.StartWith("The broker parked it ("));
    }

    /// <summary>Starts a worker and kills it while it sends.</summary>
    /// <returns><c>false</c> where it set the message aside instead, or got none.</returns>
    private async Task<bool> KillInMidSendAsync(SmtpHold hold, params (string Name, string? Value)[] settings)
    {
        var before = hold.Waiting;
        await using var worker = await TheSystem.StartWorkerProcessAsync([("Worker__Role", "Confirmations"), .. settings]);
        return await Eventually.GetAsync(
            "the worker to take the message, or to set it aside",
            async _ => hold.Waiting > before ? true
                : await TheSystem.CountAsync(OrderConfirmationEndpoint.ErrorQueue) + await TheSystem.CountAsync(OrderConfirmationEndpoint.ParkingQueue) > 0 ? false
                : (bool?)null,
            answer => answer is not null,
            TimeSpan.FromSeconds(30)) == true;
    }
}
