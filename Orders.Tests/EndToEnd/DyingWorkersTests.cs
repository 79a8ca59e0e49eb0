using System.Diagnostics;

namespace Orders.Tests.EndToEnd;

/// <summary>Workers that are processes of their own, and end at a bad moment.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnQuorumQueues))]
[Long]
[Alone]
internal sealed class DyingWorkersTests(TransportUnderTest transport) : OrderSystemTests
{
    private const int Concurrency = 4;

    private static readonly (string, string?)[] Settings =
        [("Worker__Role", "Confirmations"), ("OrderConfirmation__Concurrency", "4"), ("OrderConfirmation__Prefetch", "8")];

    [Test]
    public async Task Killed_in_mid_send_again_and_again_they_lose_nothing_and_double_what_was_in_flight()
    {
        const int Kills = 8;
        const int OrdersToAKill = 25;
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.StartApiAsync();
        // The queue is there once a worker has been.
        await (await TheSystem.StartWorkerProcessAsync(Settings)).DisposeAsync();

        var placed = 0;
        for (var kill = 0; kill < Kills; kill++)
        {
            await using var worker = await TheSystem.StartWorkerProcessAsync(Settings);
            await PlaceAsync(OrdersToAKill);
            await TheSystem.Mail.WaitFor("some of the emails", mail => mail.Messages.Count >= placed - (OrdersToAKill / 2));
            var hold = TheSystem.Mail.Hold(SmtpStep.EndOfData);
            await PlaceAsync(OrdersToAKill);
            await hold.Reached();
            await worker.KillAsync();
            // What had come to its end by now the server takes, and nobody learns of it.
            hold.Release();
        }

        await using (await TheSystem.StartWorkerProcessAsync(Settings))
        {
            await TheSystem.Mail.WaitFor(
                "an email to each customer", mail => mail.Messages.Count >= placed && Copies().Count() == placed, TimeSpan.FromSeconds(60));
            await TheSystem.WaitForCountAsync(OrderConfirmationEndpoint.Queue, 0);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(TheSystem.Mail.Messages, Has.Count.InRange(placed, placed + (Kills * Concurrency)));
            Assert.That(Copies().Select(copies => copies.Distinct().Count()), Is.All.EqualTo(1), "Every copy has the same Message-ID.");
            Assert.That(await TheSystem.CountAsync(OrderConfirmationEndpoint.ErrorQueue), Is.Zero);
        }

        async Task PlaceAsync(int count)
        {
            await Task.WhenAll(Enumerable.Range(placed, count).Select(i => TheSystem.PlaceAsync($"{i}", $"customer-{i}@example.com")));
            placed += count;
        }

        IEnumerable<IEnumerable<string>> Copies() =>
            TheSystem.Mail.Messages.GroupBy(mail => mail.Recipients.Single(), mail => mail.MessageId);
    }

    [Test]
    public async Task Stopped_while_the_mail_server_is_gone_they_end_at_once_and_their_messages_are_as_they_were()
    {
        const int Orders = 20;
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.Mail.Stop();
        await using var worker = await TheSystem.StartWorkerProcessAsync(
            [.. Settings, ("Email__Outage__FirstPause", "00:01:00"), ("Email__Outage__LongestPause", "00:01:00"), ("Logging__LogLevel__Orders.Email", "Debug")]);
        await TheSystem.StartApiAsync();
        var held = worker.WaitForLineAsync("waits for the mail server", TimeSpan.FromSeconds(30));
        for (var i = 0; i < Orders; i++)
        {
            await TheSystem.PlaceAsync($"{i}");
        }

        await held;
        await worker.TerminateAsync();

        Assert.That(await worker.WaitForExitAsync(TimeSpan.FromSeconds(20)), Is.Zero);
        await TheSystem.WaitForCountAsync(OrderConfirmationEndpoint.Queue, Orders);
        await using var connection = await TheSystem.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        var headers = new List<string>();
        while (await channel.BasicGetAsync(OrderConfirmationEndpoint.Queue, autoAck: true) is { } message)
        {
            headers.AddRange(message.BasicProperties.Headers?.Keys ?? []);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(headers, Has.None.EqualTo("MT-Redelivery-Count").And.None.EqualTo("x-redeliver-count").And.None.StartsWith("MT-Fault"));
            Assert.That(await TheSystem.CountAsync(OrderConfirmationEndpoint.ErrorQueue), Is.Zero);
        }
    }

    [Test]
    public async Task Stopped_while_emails_wait_for_their_turn_they_end_at_once_and_each_email_is_sent_once()
    {
        const int Orders = 40;
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.StartApiAsync();
        await using (var worker = await TheSystem.StartWorkerProcessAsync(
            [.. Settings, ("Email__MaxPerSecond", "1"), ("OrderConfirmation__Concurrency", "30"), ("OrderConfirmation__Prefetch", "30")]))
        {
            var watch = Stopwatch.StartNew();
            await Task.WhenAll(Enumerable.Range(0, Orders).Select(i => TheSystem.PlaceAsync($"{i}")));
            await TheSystem.Mail.WaitForMessages(8);
            Assert.That(watch.Elapsed, Is.GreaterThan(TimeSpan.FromSeconds(8 - 4)), "The next ones wait.");
            await worker.TerminateAsync();

            Assert.That(await worker.WaitForExitAsync(TimeSpan.FromSeconds(20)), Is.Zero);
        }

        var sent = TheSystem.Mail.Messages.Count;
        await TheSystem.WaitForCountAsync(OrderConfirmationEndpoint.Queue, (uint)(Orders - sent));

        await using (await TheSystem.StartWorkerProcessAsync(Settings))
        {
            await TheSystem.Mail.WaitFor("an email for each order", _ => TheSystem.ConfirmedOrders.Distinct().Count() == Orders, TimeSpan.FromSeconds(60));
            await TheSystem.WaitForCountAsync(OrderConfirmationEndpoint.Queue, 0);
        }

        Assert.That(TheSystem.ConfirmedOrders, Is.Unique);
        Assert.That(await TheSystem.CountAsync(OrderConfirmationEndpoint.ErrorQueue), Is.Zero);
    }
}
