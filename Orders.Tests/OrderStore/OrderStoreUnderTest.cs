using Microsoft.Extensions.Options;
using Orders.Api.OrderStore;
using Orders.Ledger;

namespace Orders.Tests.OrderStore;

/// <summary>Tests of an order store in memory, or on a server of their own.</summary>
internal abstract class OrderStoreUnderTest(bool onValkey)
{
    protected static readonly DateTimeOffset Noon = new(2026, 11, 26, 12, 0, 0, TimeSpan.Zero);
    protected static readonly StoredContent Laptop = new("laptop", "customer");
    protected static readonly StoredContent Phone = new("phone", "customer");

    private static readonly TimeSpan KeepFor = TimeSpan.FromHours(1);

    private readonly Cleanup _cleanup = new();

    protected IOrderStore Store { get; private set; } = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        if (!onValkey)
        {
            Store = new InMemoryOrderStore(KeepFor, TimeProvider.System);
            return;
        }

        var server = _cleanup.Add(await ValkeyServer.StartNewAsync());
        var store = _cleanup.Add(await server.ConnectAsync());
        Store = new ValkeyOrderStore(new ValkeyStore(store, Options.Create(new LedgerOptions())), KeepFor);
    }

    [OneTimeTearDown]
    public Task StopAsync() => _cleanup.RunAsync();

    /// <summary>The key of a shipment.</summary>
    protected static NotificationKey Shipment(string orderId, string reference = "1Z999") => new(orderId, "order-shipped", reference);

    /// <summary>The key of a notification of no other use, with a reference that needs to be taken care of.</summary>
    protected static NotificationKey Returned(string orderId) => new(orderId, "order-returned", "R:7 7\nü");

    protected Task RecordAsync(NotificationKey key, NotificationChange change) => Store.RecordAsync(
        key, change.Status == NotificationStatus.Sent ? change with { MessageId = $"<{key.OrderId}@shop.example>" } : change, default);

    protected static NotificationChange Retrying(int minute) => new(NotificationStatus.Retrying, At(minute), minute, At(minute + 1), Reason: $"try {minute}");

    protected static NotificationChange Sent(int minute) => new(NotificationStatus.Sent, At(minute));

    protected static NotificationChange Failed(int minute) => new(NotificationStatus.Failed, At(minute), Reason: $"gave up {minute}");

    protected static DateTimeOffset At(int minute) => Noon.AddMinutes(minute).AddTicks(minute);
}
