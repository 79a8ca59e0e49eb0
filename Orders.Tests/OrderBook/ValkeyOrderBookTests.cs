using System.Security.Cryptography;
using Contracts;
using Microsoft.Extensions.Options;
using Orders.Api.OrderBook;
using Orders.Ledger;
using StackExchange.Redis;

namespace Orders.Tests.OrderBook;

/// <summary>What is particular about the order book on a server.</summary>
public sealed class ValkeyOrderBookTests
{
    private static readonly OrderPlaced Order = new("1", "customer@example.com", "Laptop", DateTimeOffset.UnixEpoch);

    private readonly Cleanup _cleanup = new();
    private ValkeyServer _server = null!;
    private ConnectionMultiplexer _store = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _server = _cleanup.Add(await ValkeyServer.StartNewAsync());
        _store = _cleanup.Add(await _server.ConnectAsync());
    }

    [TearDown]
    public Task StopAsync() => _cleanup.RunAsync();

    [Test]
    public async Task Every_change_has_an_entry_kept_for_as_long_as_was_asked()
    {
        var book = new ValkeyOrderBook(new ValkeyStore(_store, Options.Create(new LedgerOptions())), TimeSpan.FromHours(2));
        await book.ClaimAsync("claimed", "content", Order.PlacedAt, default);
        await book.RecordPlacedAsync("placed", "content", Order.PlacedAt);
        await book.RecordAsync("confirmed", new OrderChange(OrderStatus.Confirmed, Order.PlacedAt), default);

        foreach (var id in new[] { "claimed", "placed", "confirmed" })
        {
            Assert.That(
                await _store.GetDatabase().KeyTimeToLiveAsync(ValkeyOrderBook.Prefix + id),
                Is.InRange(TimeSpan.FromMinutes(119), TimeSpan.FromHours(2)),
                id);
        }
    }

    [Test]
    public async Task Neither_the_address_nor_the_product_is_on_the_server()
    {
        var book = new ValkeyOrderBook(new ValkeyStore(_store, Options.Create(new LedgerOptions())), TimeSpan.FromHours(1));
        await book.ClaimAsync(Order.OrderId, OrderContent.HashOf(Order), Order.PlacedAt, default);
        await book.RecordPlacedAsync(Order.OrderId, OrderContent.HashOf(Order), Order.PlacedAt);

        var entry = string.Join(' ', await _store.GetDatabase().HashGetAllAsync(ValkeyOrderBook.Prefix + Order.OrderId));
        Assert.That(entry, Does.Contain("placed").And.Not.Contain("customer").And.Not.Contain("example.com").And.Not.Contain("Laptop"));
    }

    [Test]
    public void The_hash_of_an_order_is_that_of_earlier_releases() =>
        Assert.That(OrderContent.HashOf(Order), Is.EqualTo(Convert.ToBase64String(SHA256.HashData("1\ncustomer@example.com\nLaptop"u8))));

    [Test]
    public async Task A_claim_outlives_the_server_and_its_absence_is_told()
    {
        var book = new ValkeyOrderBook(new ValkeyStore(_store, Options.Create(new LedgerOptions())), TimeSpan.FromHours(1));
        await book.ClaimAsync("1", "content", Order.PlacedAt, default);
        await _server.KillAsync();

        await Assert.ThrowsAsync<LedgerUnreachableException>(() => book.ClaimAsync("1", "content", Order.PlacedAt, default));
        await Assert.ThrowsAsync<LedgerUnreachableException>(() => book.FindAsync("1", default));
        await Assert.ThrowsAsync<LedgerUnreachableException>(() => book.RecordPlacedAsync("1", "content", Order.PlacedAt));
        Assert.That(book.IsReachable, Is.False);

        await _server.StartAsync();
        var claim = await Eventually.GetAsync(
            "an answer", _ => book.ClaimAsync("1", "another", Order.PlacedAt, default), _ => true, TimeSpan.FromSeconds(30));
        Assert.That(claim, Is.InstanceOf<OrderClaim.Taken>());
    }
}
