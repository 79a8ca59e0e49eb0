using MassTransit;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orders.FaultQueues;
using Orders.FaultQueues.Backlog;
using Orders.Messaging.Operators;
using Orders.Messaging.Redelivery;
using Orders.ServiceDefaults.Configuration;

namespace Notifications.Worker.OrderConfirmation;

public static class OrderConfirmationRegistration
{
    /// <summary>Adds what the consumer and its definition need.</summary>
    public static void AddOrderConfirmation(this IHostApplicationBuilder builder)
    {
        builder.AddValidatedOptions<OrderConfirmationOptions>(OrderConfirmationOptions.Section);
        builder.AddValidatedOptions<DelayedRedeliveryOptions>(DelayedRedeliveryOptions.Section);
        builder.AddBacklog();
        builder.AddRefusedFaults();
        builder.Services.AddSingleton<OrderConfirmationEmail>();
        builder.Services.AddSingleton<OrderConfirmationMetrics>();
        builder.Services.TryAddSingleton<OperatorEvents>();
    }

    /// <summary>Adds what those need who look after its faults, in any process.</summary>
    public static void AddOrderConfirmationFaults(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton(OrderConfirmationEndpoint.Faults);
        builder.Services.AddKeyedSingleton<IParkedAnnouncer, ParkedConfirmations>(OrderConfirmationEndpoint.Queue);
        builder.Services.AddSingleton(_ =>
        {
            // The section of another role, which may run in another process: both must be told the same.
            var delays = builder.Configuration.ReadOptions<DelayedRedeliveryOptions>(DelayedRedeliveryOptions.Section).Delays;
            return new WatchedQueues(
                [OrderConfirmationEndpoint.Queue], [.. delays.Select(delay => DelayQueues.QueueName(OrderConfirmationEndpoint.Queue, delay))]);
        });
    }

    /// <summary>Adds the consumer itself.</summary>
    public static void AddOrderConfirmation(this IBusRegistrationConfigurator bus) =>
        bus.AddConsumer<OrderConfirmationConsumer, OrderConfirmationConsumerDefinition>();
}
