using Microsoft.Extensions.Options;
using Orders.Ledger;

namespace Orders.Email.Deliveries;

/// <summary>The ledger of what was sent.</summary>
internal static class DeliveryLedgerRegistration
{
    /// <summary>Adds the ledger of what was sent, in the store in force.</summary>
    public static void AddDeliveryLedger(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton(services => DeliveryLease.For(services.GetRequiredService<IOptions<EmailOptions>>().Value));
        switch (builder.Configuration.GetLedgerStore())
        {
            case LedgerStore.InMemory:
                builder.Services.AddSingleton<IDeliveryLedger, InMemoryDeliveryLedger>();
                break;
            case LedgerStore.Valkey:
                builder.Services.AddSingleton<IDeliveryLedger, ValkeyDeliveryLedger>();
                break;
        }
    }

    /// <summary>Has emails pass the ledger, where there is one.</summary>
    public static IEmailSender WithLedger(this IEmailSender sender, IServiceProvider services) =>
        services.GetService<IDeliveryLedger>() is { } ledger
            ? ActivatorUtilities.CreateInstance<LedgerEmailSender>(services, sender, ledger)
            : sender;
}
