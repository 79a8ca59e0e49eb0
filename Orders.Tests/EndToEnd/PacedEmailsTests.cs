using System.Diagnostics;
using Orders.Email.Outages;

namespace Orders.Tests.EndToEnd;

/// <summary>A mail server whose owner allows only so many emails a second.</summary>
internal sealed class PacedEmailsTests : OrderSystemTests
{
    private const int Rate = 20;
    private const int Orders = 30;

    // Two may go at once after a rest, and a few more where the machine has too much to do and a timer or a thread is late.
    private static readonly TimeSpan Least = TimeSpan.FromSeconds((Orders - 6) / (double)Rate);

    [Test]
    public async Task All_connections_together_keep_to_the_pace()
    {
        await StartAsync(connections: 8);
        var hold = TheSystem.Mail.Hold(SmtpStep.EndOfData);
        var watch = Stopwatch.StartNew();

        await PlaceAsync();
        // All are for the same domain, which does not get the last one.
        await hold.Reached(7);
        hold.Release();
        await WaitForConfirmationsAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(watch.Elapsed, Is.GreaterThan(Least));
            Assert.That(TheSystem.Mail.Sessions, Has.Count.GreaterThanOrEqualTo(7));
            Assert.That(TheSystem.ConfirmedOrders, Is.Unique);
        }
    }

    [Test]
    public async Task So_do_the_emails_that_an_outage_has_held_up()
    {
        await StartAsync(connections: Orders);
        await TheSystem.Mail.Stop();
        await PlaceAsync();
        // By the last of so many probes, every email has had a turn that it could not use.
        await TheSystem.Log.WaitFor<CircuitBreakerEmailSender>(2130, count: 12);

        var watch = Stopwatch.StartNew();
        TheSystem.Mail.Restart();
        await WaitForConfirmationsAsync();

        Assert.That(watch.Elapsed, Is.GreaterThan(Least));
        Assert.That(TheSystem.ConfirmedOrders, Is.Unique);
    }

    private async Task StartAsync(int connections) => TheSystem = await OrderSystem.StartAsync(
        TransportUnderTest.InMemory,
        settings: [("Email__MaxPerSecond", $"{Rate}"), ("OrderConfirmation__Concurrency", $"{connections}"), ("Email__Smtp__PoolSize", $"{connections}")]);

    private Task PlaceAsync() => Task.WhenAll(Enumerable.Range(0, Orders).Select(i => TheSystem.PlaceAsync($"{i}")));

    private Task WaitForConfirmationsAsync() =>
        TheSystem.Mail.WaitFor($"{Orders} confirmations", _ => TheSystem.Confirmations.Count >= Orders, TimeSpan.FromSeconds(60));
}
