using Microsoft.Extensions.Options;
using Orders.Ledger;

namespace Orders.Api.OrderStore;

public static class OrderStoreRegistration
{
    /// <summary>Adds the order store that <see cref="LedgerOptions.Store"/> names; for <see cref="LedgerStore.None"/> there is none.</summary>
    public static void AddOrderStore(this IHostApplicationBuilder builder)
    {
        switch (builder.Configuration.GetLedgerStore())
        {
            case LedgerStore.InMemory:
                builder.Services.AddSingleton<IOrderStore>(services =>
                    new InMemoryOrderStore(KeepFor(services), services.GetRequiredService<TimeProvider>()));
                break;

            case LedgerStore.Valkey:
                builder.Services.AddSingleton<IOrderStore>(services =>
                    new ValkeyOrderStore(services.GetRequiredService<ValkeyStore>(), KeepFor(services)));
                break;
        }
    }

    private static TimeSpan KeepFor(IServiceProvider services) => services.GetRequiredService<IOptions<LedgerOptions>>().Value.KeepFor;
}
