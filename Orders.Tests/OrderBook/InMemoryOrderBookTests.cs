using Orders.Api.OrderBook;

namespace Orders.Tests.OrderBook;

/// <summary>What the order book in memory forgets, and when.</summary>
public sealed class InMemoryOrderBookTests
{
    private static readonly TimeSpan KeepFor = TimeSpan.FromHours(1);

    private static readonly NotificationKey Order = NotificationKey.Confirmation("1");
    private static readonly BookContent Laptop = new("laptop", "customer");
    private static readonly BookContent Phone = new("phone", "customer");

    private readonly TestClock _clock = new(new DateTimeOffset(2026, 11, 26, 12, 0, 0, TimeSpan.Zero));

    [Test]
    public async Task An_order_is_forgotten_so_long_after_its_last_change()
    {
        var book = new InMemoryOrderBook(KeepFor, _clock);
        await book.RecordAcceptedAsync(Order, Laptop, _clock.GetUtcNow());
        _clock.Advance(TimeSpan.FromMinutes(59));
        await book.RecordAsync(Order, new NotificationChange(NotificationStatus.Sent, _clock.GetUtcNow()), default);
        _clock.Advance(TimeSpan.FromMinutes(59));
        var kept = await book.FindAsync("1", default);
        _clock.Advance(TimeSpan.FromMinutes(1));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(kept, Is.Not.Null);
            Assert.That(await book.FindAsync("1", default), Is.Null);
            Assert.That(await book.ClaimAsync(Order, Phone, _clock.GetUtcNow(), default), Is.InstanceOf<BookClaim.Granted>());
        }
    }

    [Test]
    public async Task A_claim_that_nobody_ends_lapses()
    {
        var book = new InMemoryOrderBook(KeepFor, _clock);
        var first = await book.ClaimAsync(Order, Laptop, _clock.GetUtcNow(), default);
        _clock.Advance(BookClaim.Lease - TimeSpan.FromTicks(1));
        var held = await book.ClaimAsync(Order, Laptop, _clock.GetUtcNow(), default);
        _clock.Advance(TimeSpan.FromTicks(1));
        var second = await book.ClaimAsync(Order, Laptop, _clock.GetUtcNow(), default);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(held, Is.EqualTo(new BookClaim.Held(TimeSpan.FromTicks(1))));
            Assert.That(second, Is.InstanceOf<BookClaim.Granted>().With.Property("AcceptedAt").EqualTo(((BookClaim.Granted)first).AcceptedAt));
        }
    }

    [Test]
    public async Task Of_too_many_orders_the_oldest_are_forgotten()
    {
        var book = new InMemoryOrderBook(KeepFor, _clock);
        for (var i = 0; i <= InMemoryOrderBook.MostEntries; i++)
        {
            await book.RecordAcceptedAsync(NotificationKey.Confirmation($"{i}"), Laptop, _clock.GetUtcNow());
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await book.FindAsync("0", default), Is.Null);
            Assert.That(await book.FindAsync("1", default), Is.Not.Null);
            Assert.That(await book.FindAsync($"{InMemoryOrderBook.MostEntries}", default), Is.Not.Null);
        }
    }
}
