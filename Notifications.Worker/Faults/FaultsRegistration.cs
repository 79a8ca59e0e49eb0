using MassTransit;
using Notifications.Worker.Hosting;
using Notifications.Worker.Messaging;
using Notifications.Worker.OrderConfirmation;

namespace Notifications.Worker.Faults;

public static class FaultsRegistration
{
    /// <summary>Adds the redeliver job and what it needs.</summary>
    public static void AddFaults(this IHostApplicationBuilder builder)
    {
        builder.AddValidatedOptions<RedeliverOptions>(RedeliverOptions.Section);
        builder.AddValidatedOptions<AlertOptions>(AlertOptions.Section);

        if (builder.Configuration.GetTransport() == Transport.RabbitMq)
        {
            builder.Services.AddSingleton<IFaultTransport, RabbitMqFaultTransport>();
        }
        else
        {
            builder.Services.AddSingleton<InMemoryFaultTransport>();
            builder.Services.AddSingleton<IFaultTransport>(services => services.GetRequiredService<InMemoryFaultTransport>());
        }

        builder.Services.AddSingleton<RedeliverPolicy>();
        builder.Services.AddHostedService<RedeliverJob>();
    }

    /// <summary>Adds the consumer that alerts people, where there are people to alert.</summary>
    public static void AddParkedAlerts(this IBusRegistrationConfigurator bus, IConfiguration configuration)
    {
        if (!string.IsNullOrEmpty(configuration[$"{AlertOptions.Section}:{nameof(AlertOptions.To)}"]))
        {
            bus.AddConsumer<ParkedAlertConsumer, ParkedAlertConsumerDefinition>();
        }
    }

    /// <summary>Keeps faults on the in-memory transport, where no broker does.</summary>
    public static void KeepFaults(IBusRegistrationContext context, IInMemoryBusFactoryConfigurator bus)
    {
        var faults = context.GetRequiredService<InMemoryFaultTransport>();
        faults.Keep(OrderConfirmationEndpoint.ErrorQueue, bus);
        faults.Keep(OrderConfirmationEndpoint.ParkingQueue, bus);
    }
}
