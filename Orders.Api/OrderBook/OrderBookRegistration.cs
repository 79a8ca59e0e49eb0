using Microsoft.Extensions.Options;
using Orders.Ledger;

namespace Orders.Api.OrderBook;

public static class OrderBookRegistration
{
    /// <summary>Adds the order book that <see cref="LedgerOptions.Store"/> names; for <see cref="LedgerStore.None"/> there is none.</summary>
    public static void AddOrderBook(this IHostApplicationBuilder builder)
    {
        switch (builder.Configuration.GetLedgerStore())
        {
            case LedgerStore.InMemory:
                builder.Services.AddSingleton<IOrderBook>(services =>
                    new InMemoryOrderBook(KeepFor(services), services.GetRequiredService<TimeProvider>()));
                break;

            case LedgerStore.Valkey:
                builder.Services.AddSingleton<IOrderBook>(services =>
                    new ValkeyOrderBook(services.GetRequiredService<ValkeyStore>(), KeepFor(services)));
                break;
        }
    }

    private static TimeSpan KeepFor(IServiceProvider services) => services.GetRequiredService<IOptions<LedgerOptions>>().Value.KeepFor;
}
