using Orders.Api.OrderBook;

namespace Orders.Tests.OrderBook;

/// <summary>What the order book in memory forgets, and when.</summary>
public sealed class InMemoryOrderBookTests
{
    private static readonly TimeSpan KeepFor = TimeSpan.FromHours(1);

    private readonly TestClock _clock = new(new DateTimeOffset(2026, 11, 26, 12, 0, 0, TimeSpan.Zero));

    [Test]
    public async Task An_order_is_forgotten_so_long_after_its_last_change()
    {
        var book = new InMemoryOrderBook(KeepFor, _clock);
        await book.RecordPlacedAsync("1", "content", _clock.GetUtcNow());
        _clock.Advance(TimeSpan.FromMinutes(59));
        await book.RecordAsync("1", new OrderChange(OrderStatus.Confirmed, _clock.GetUtcNow()), default);
        _clock.Advance(TimeSpan.FromMinutes(59));
        var kept = await book.FindAsync("1", default);
        _clock.Advance(TimeSpan.FromMinutes(1));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(kept, Is.Not.Null);
            Assert.That(await book.FindAsync("1", default), Is.Null);
            Assert.That(await book.ClaimAsync("1", "another", _clock.GetUtcNow(), default), Is.InstanceOf<OrderClaim.Granted>());
        }
    }

    [Test]
    public async Task A_claim_that_nobody_ends_lapses()
    {
        var book = new InMemoryOrderBook(KeepFor, _clock);
        var first = await book.ClaimAsync("1", "content", _clock.GetUtcNow(), default);
        _clock.Advance(OrderClaim.Lease - TimeSpan.FromTicks(1));
        var held = await book.ClaimAsync("1", "content", _clock.GetUtcNow(), default);
        _clock.Advance(TimeSpan.FromTicks(1));
        var second = await book.ClaimAsync("1", "content", _clock.GetUtcNow(), default);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(held, Is.EqualTo(new OrderClaim.Held(TimeSpan.FromTicks(1))));
            Assert.That(second, Is.InstanceOf<OrderClaim.Granted>().With.Property("PlacedAt").EqualTo(((OrderClaim.Granted)first).PlacedAt));
        }
    }

    [Test]
    public async Task Of_too_many_orders_the_oldest_are_forgotten()
    {
        var book = new InMemoryOrderBook(KeepFor, _clock);
        for (var i = 0; i <= InMemoryOrderBook.MostEntries; i++)
        {
            await book.RecordPlacedAsync($"{i}", "content", _clock.GetUtcNow());
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await book.FindAsync("0", default), Is.Null);
            Assert.That(await book.FindAsync("1", default), Is.Not.Null);
            Assert.That(await book.FindAsync($"{InMemoryOrderBook.MostEntries}", default), Is.Not.Null);
        }
    }
}
