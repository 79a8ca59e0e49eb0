using Orders.Api.OrderStore;

namespace Orders.Tests.OrderStore;

/// <summary>What the order store in memory forgets, and when.</summary>
public sealed class InMemoryOrderStoreTests
{
    private static readonly TimeSpan KeepFor = TimeSpan.FromHours(1);

    private static readonly NotificationKey Order = NotificationKey.Confirmation("1");
    private static readonly StoredContent Laptop = new("laptop", "customer");
    private static readonly StoredContent Phone = new("phone", "customer");

    private readonly TestClock _clock = new(new DateTimeOffset(2026, 11, 26, 12, 0, 0, TimeSpan.Zero));

    [Test]
    public async Task An_order_is_forgotten_so_long_after_its_last_change()
    {
        var store = new InMemoryOrderStore(KeepFor, _clock);
        await store.RecordAcceptedAsync(Order, Laptop, _clock.GetUtcNow());
        _clock.Advance(TimeSpan.FromMinutes(59));
        await store.RecordAsync(Order, new NotificationChange(NotificationStatus.Sent, _clock.GetUtcNow()), default);
        _clock.Advance(TimeSpan.FromMinutes(59));
        var kept = await store.FindAsync("1", default);
        _clock.Advance(TimeSpan.FromMinutes(1));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(kept, Is.Not.Null);
            Assert.That(await store.FindAsync("1", default), Is.Null);
            Assert.That(await store.ClaimAsync(Order, Phone, _clock.GetUtcNow(), default), Is.InstanceOf<StoreClaim.Granted>());
        }
    }

    [Test]
    public async Task A_claim_that_nobody_ends_lapses()
    {
        var store = new InMemoryOrderStore(KeepFor, _clock);
        var first = await store.ClaimAsync(Order, Laptop, _clock.GetUtcNow(), default);
        _clock.Advance(StoreClaim.Lease - TimeSpan.FromTicks(1));
        var held = await store.ClaimAsync(Order, Laptop, _clock.GetUtcNow(), default);
        _clock.Advance(TimeSpan.FromTicks(1));
        var second = await store.ClaimAsync(Order, Laptop, _clock.GetUtcNow(), default);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(held, Is.EqualTo(new StoreClaim.Held(TimeSpan.FromTicks(1))));
            Assert.That(second, Is.InstanceOf<StoreClaim.Granted>().With.Property("AcceptedAt").EqualTo(((StoreClaim.Granted)first).AcceptedAt));
        }
    }

    [Test]
    public async Task Of_too_many_orders_the_oldest_are_forgotten()
    {
        var store = new InMemoryOrderStore(KeepFor, _clock);
        for (var i = 0; i <= InMemoryOrderStore.MostEntries; i++)
        {
            await store.RecordAcceptedAsync(NotificationKey.Confirmation($"{i}"), Laptop, _clock.GetUtcNow());
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await store.FindAsync("0", default), Is.Null);
            Assert.That(await store.FindAsync("1", default), Is.Not.Null);
            Assert.That(await store.FindAsync($"{InMemoryOrderStore.MostEntries}", default), Is.Not.Null);
        }
    }
}
