using System.Security.Cryptography;
using Contracts;
using Microsoft.Extensions.Options;
using Orders.Api.OrderStore;
using Orders.Ledger;
using StackExchange.Redis;

namespace Orders.Tests.OrderStore;

/// <summary>What is particular about the order store on a server.</summary>
public sealed class ValkeyOrderStoreTests
{
    private static readonly OrderPlaced Order = new("1", "customer@example.com", "Laptop", DateTimeOffset.UnixEpoch);

    private static readonly StoredContent Content = new("content", "customer");

    private static readonly NotificationKey Shipment = new("1", "order-shipped", "1Z999");

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
        var store = new ValkeyOrderStore(new ValkeyStore(_store, Options.Create(new LedgerOptions())), TimeSpan.FromHours(2));
        await store.ClaimAsync(Key("claimed"), Content, Order.PlacedAt, default);
        await store.RecordAcceptedAsync(Key("placed"), Content, Order.PlacedAt);
        await store.RecordAsync(Key("confirmed"), new NotificationChange(NotificationStatus.Sent, Order.PlacedAt), default);

        foreach (var id in new[] { "claimed", "placed", "confirmed" })
        {
            Assert.That(
                await _store.GetDatabase().KeyTimeToLiveAsync(ValkeyOrderStore.Prefix + id),
                Is.InRange(TimeSpan.FromMinutes(119), TimeSpan.FromHours(2)),
                id);
        }
    }

    [Test]
    public async Task Neither_the_address_nor_the_product_is_on_the_server()
    {
        var store = new ValkeyOrderStore(new ValkeyStore(_store, Options.Create(new LedgerOptions())), TimeSpan.FromHours(1));
        await store.ClaimAsync(Key(Order.OrderId), StoredContent.Of(Order), Order.PlacedAt, default);
        await store.RecordAcceptedAsync(Key(Order.OrderId), StoredContent.Of(Order), Order.PlacedAt);

        var entry = string.Join(' ', await _store.GetDatabase().HashGetAllAsync(ValkeyOrderStore.Prefix + Order.OrderId));
        Assert.That(entry, Does.Contain("placed").And.Not.Contain("customer").And.Not.Contain("example.com").And.Not.Contain("Laptop"));
    }

    [Test]
    public void The_hash_of_an_order_is_that_of_earlier_releases() =>
        Assert.That(StoredContent.Of(Order).Hash, Is.EqualTo(Convert.ToBase64String(SHA256.HashData("1\ncustomer@example.com\nLaptop"u8))));

    [Test]
    public async Task What_the_release_before_wrote_is_read()
    {
        await _store.GetDatabase().HashSetAsync(ValkeyOrderStore.Prefix + "1",
        [
            new("content", StoredContent.Of(Order).Hash), new("placedAt", 639157392000000000), new("status", "Retrying"), new("isPlaced", "1"),
            new("history", """{"status":"placed","at":"2026-05-30T12:00:00+00:00"},{"status":"retrying","at":"2026-05-30T12:00:02+00:00","attempts":1,"reason":"no room"}"""),
            new("changes", 2), new("retriedAt", 639157392020000000), new("attempts", 1), new("nextAttemptAt", ""), new("messageId", ""), new("reason", "no room"),
            new("confirmedAt", ""), new("failedAt", ""),
        ]);
        var store = new ValkeyOrderStore(new ValkeyStore(_store, Options.Create(new LedgerOptions())), TimeSpan.FromHours(1));

        var found = (await store.FindAsync("1", default))!;
        // It has no address that could be compared.
        var shipment = await store.ClaimAsync(Shipment, Content, Order.PlacedAt, default);
        await store.RecordAsync(Key("1"), new NotificationChange(NotificationStatus.Sent, Order.PlacedAt.AddYears(60)), default);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((found.Status, found.Attempts, found.Reason), Is.EqualTo((OrderStatus.Retrying, 1, "no room")));
            Assert.That(found.PlacedAt, Is.EqualTo(found.History[0].At));
            Assert.That(found.History.Select(change => change.Status), Is.EqualTo([OrderStatus.Placed, OrderStatus.Retrying]));
            Assert.That(found.Notifications, Is.Null);
            Assert.That(await store.ClaimAsync(Key("1"), StoredContent.Of(Order), Order.PlacedAt, default), Is.EqualTo(new StoreClaim.Known(NotificationStatus.Sent, found.PlacedAt)));
            Assert.That(shipment, Is.InstanceOf<StoreClaim.Granted>());
        }
    }

    [Test]
    public async Task The_release_before_reads_what_is_written_and_sees_no_order_in_a_notification()
    {
        var store = new ValkeyOrderStore(new ValkeyStore(_store, Options.Create(new LedgerOptions())), TimeSpan.FromHours(1));
        await store.RecordAsync(Shipment, new NotificationChange(NotificationStatus.Sent, Order.PlacedAt), default);
        var before = await FieldsThatTheReleaseBeforeKnowsAsync();
        await store.RecordAcceptedAsync(Key("1"), Content, Order.PlacedAt);
        await store.RecordAsync(Key("1"), new NotificationChange(NotificationStatus.Sent, Order.PlacedAt, MessageId: "<1@shop.example>"), default);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before, Is.Empty);
            Assert.That(
                await FieldsThatTheReleaseBeforeKnowsAsync(),
                Is.EquivalentTo(new Dictionary<string, string>
                {
                    ["content"] = Content.Hash,
                    ["placedAt"] = $"{Order.PlacedAt.UtcTicks}",
                    ["status"] = "Confirmed",
                    ["isPlaced"] = "1",
                    ["nextAttemptAt"] = "",
                    ["messageId"] = "<1@shop.example>",
                    ["reason"] = "",
                    ["confirmedAt"] = $"{Order.PlacedAt.UtcTicks}",
                    ["failedAt"] = "",
                    ["changes"] = "2",
                    ["history"] = """{"status":"placed","at":"1970-01-01T00:00:00+00:00"},{"status":"confirmed","at":"1970-01-01T00:00:00+00:00","messageId":"\u003C1@shop.example\u003E"}""",
                }));
        }

        async Task<Dictionary<string, string>> FieldsThatTheReleaseBeforeKnowsAsync()
        {
            string[] known =
            [
                "content", "placedAt", "token", "heldUntil", "inDoubt", "status", "isPlaced", "attempts", "nextAttemptAt", "confirmedAt",
                "messageId", "failedAt", "reason", "history", "changes", "retriedAt",
            ];
            var all = (await _store.GetDatabase().HashGetAllAsync(ValkeyOrderStore.Prefix + "1")).ToStringDictionary();
            return all.Where(field => known.Contains(field.Key)).ToDictionary();
        }
    }

    [Test]
    public async Task A_claim_outlives_the_server_and_its_absence_is_told()
    {
        var store = new ValkeyOrderStore(new ValkeyStore(_store, Options.Create(new LedgerOptions())), TimeSpan.FromHours(1));
        await store.ClaimAsync(Key("1"), Content, Order.PlacedAt, default);
        await _server.KillAsync();

        await Assert.ThrowsAsync<LedgerUnreachableException>(() => store.ClaimAsync(Key("1"), Content, Order.PlacedAt, default));
        await Assert.ThrowsAsync<LedgerUnreachableException>(() => store.FindAsync("1", default));
        await Assert.ThrowsAsync<LedgerUnreachableException>(() => store.RecordAcceptedAsync(Key("1"), Content, Order.PlacedAt));
        Assert.That(store.IsReachable, Is.False);

        await _server.StartAsync();
        var claim = await Eventually.GetAsync(
            "an answer", _ => store.ClaimAsync(Key("1"), new StoredContent("another", "customer"), Order.PlacedAt, default), _ => true, TimeSpan.FromSeconds(30));
        Assert.That(claim, Is.InstanceOf<StoreClaim.Taken>());
    }

    private static NotificationKey Key(string orderId) => NotificationKey.Confirmation(orderId);
}
