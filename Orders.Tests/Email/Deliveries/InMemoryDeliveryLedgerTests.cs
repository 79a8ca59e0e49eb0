using Microsoft.Extensions.Options;
using Orders.Email.Deliveries;
using Orders.Ledger;

namespace Orders.Tests.Email.Deliveries;

/// <summary>What the ledger in memory forgets.</summary>
public sealed class InMemoryDeliveryLedgerTests
{
    private static readonly TimeSpan KeepFor = TimeSpan.FromHours(1);

    private readonly TestClock _clock = new(new DateTimeOffset(2026, 11, 21, 12, 0, 0, TimeSpan.Zero));
    private readonly InMemoryDeliveryLedger _ledger;

    public InMemoryDeliveryLedgerTests() => _ledger = new(
        Options.Create(new LedgerOptions { KeepFor = KeepFor }), new DeliveryLease(TimeSpan.FromMinutes(1), TimeSpan.Zero), _clock);

    [Test]
    public async Task What_was_sent_is_forgotten_after_its_time()
    {
        await SendAsync("1");

        _clock.Advance(KeepFor - TimeSpan.FromTicks(1));
        Assert.That(await ClaimAsync("1"), Is.InstanceOf<DeliveryClaim.AlreadySent>());

        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.That(await ClaimAsync("1"), Is.InstanceOf<DeliveryClaim.Claimed>());
    }

    [Test]
    public async Task Of_too_many_the_oldest_is_forgotten_unless_it_is_being_sent()
    {
        await ClaimAsync("held");
        await SendAsync("oldest");
        await SendAsync("next");
        for (var i = 0; i < InMemoryDeliveryLedger.MostEntries; i++)
        {
            await SendAsync($"{i}");
        }

        Assert.That(await ClaimAsync("held"), Is.InstanceOf<DeliveryClaim.LeasedByOther>());
        Assert.That(await ClaimAsync("oldest"), Is.InstanceOf<DeliveryClaim.Claimed>());
        Assert.That(await ClaimAsync($"{InMemoryDeliveryLedger.MostEntries - 1}"), Is.InstanceOf<DeliveryClaim.AlreadySent>());
    }

    private async Task SendAsync(string orderId)
    {
        var attempt = Attempt(orderId);
        await _ledger.ClaimAsync(attempt);
        await _ledger.RecordSentAsync(attempt);
    }

    private Task<DeliveryClaim> ClaimAsync(string orderId) => _ledger.ClaimAsync(Attempt(orderId));

    private static DeliveryAttempt Attempt(string orderId) => new(orderId, "order-confirmation", $"<{orderId}@shop.example>");
}
