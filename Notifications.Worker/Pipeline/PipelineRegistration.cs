using MassTransit;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orders.FaultQueues;
using Orders.FaultQueues.Backlog;
using Orders.Messaging.Operators;
using Orders.Messaging.Redelivery;
using Orders.ServiceDefaults.Configuration;

namespace Notifications.Worker.Pipeline;

/// <summary>Everything that follows from a list of notifications.</summary>
internal static class PipelineRegistration
{
    /// <summary>Adds what the consumers of notifications need.</summary>
    public static void AddPipeline(this IHostApplicationBuilder builder, IReadOnlyList<Notification> notifications)
    {
        builder.AddValidatedOptions<DelayedRedeliveryOptions>(DelayedRedeliveryOptions.Section);
        builder.AddBacklog();
        builder.AddRefusedFaults();
        builder.Services.AddSingleton<EmailTemplates>();
        builder.Services.TryAddSingleton<OperatorEvents>();
        foreach (var notification in notifications)
        {
            notification.AddServices(builder);
        }
    }

    /// <summary>Adds what those need who look after the faults of notifications, in any process.</summary>
    public static void AddPipelineFaults(this IHostApplicationBuilder builder, IReadOnlyList<Notification> notifications)
    {
        foreach (var notification in notifications)
        {
            var endpoint = notification.Endpoint;
            builder.AddFaultEndpoint(endpoint, notification.CreateAnnouncer);
            builder.Services.AddSingleton(_ =>
            {
                // The section of another role, which may run in another process: both must be told the same.
                var delays = builder.Configuration.ReadOptions<DelayedRedeliveryOptions>(DelayedRedeliveryOptions.Section).Delays;
                return new WatchedQueues([endpoint.Queue], [.. delays.Select(delay => DelayQueues.QueueName(endpoint.Queue, delay))]);
            });
        }
    }

    /// <summary>Adds the consumers themselves.</summary>
    public static void AddPipeline(this IBusRegistrationConfigurator bus, IReadOnlyList<Notification> notifications)
    {
        foreach (var notification in notifications)
        {
            notification.AddConsumer(bus);
        }
    }
}
