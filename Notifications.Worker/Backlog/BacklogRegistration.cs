using MassTransit;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Notifications.Worker.Faults.Alerts;
using Notifications.Worker.Faults.Job;
using Notifications.Worker.Hosting;
using Notifications.Worker.OrderConfirmation;
using Notifications.Worker.Redelivery;

namespace Notifications.Worker.Backlog;

/// <summary>How much waits in our queues, and for how long.</summary>
public static class BacklogRegistration
{
    /// <summary>Adds the <see cref="BacklogMetrics"/> of this process.</summary>
    public static void AddBacklog(this IHostApplicationBuilder builder) => builder.Services.TryAddSingleton<BacklogMetrics>();

    /// <summary>Adds the watch over all queues, of which one process in the system is enough.</summary>
    public static void AddBacklogWatch(this IHostApplicationBuilder builder)
    {
        builder.AddBacklog();
        builder.Services.AddSingleton(OurQueues.Read(builder.Configuration));
        builder.Services.AddSingleton<BacklogWatch>();
        builder.Services.AddHostedService(services => services.GetRequiredService<BacklogWatch>());
    }

    /// <summary>Has an endpoint tell how old the messages are that it works on.</summary>
    internal static void TellAge(this IReceiveEndpointConfigurator endpoint, string queue, IRegistrationContext context)
    {
        var backlog = context.GetRequiredService<BacklogMetrics>();
        backlog.SetOldest(queue, null);
        endpoint.UseFilter(new MessageInHandFilter(backlog, queue, context.GetRequiredService<TimeProvider>()));
    }
}

/// <summary>The names of all queues of ours on a broker, by what this process knows of the configuration.</summary>
/// <param name="Worked">Those that consumers work on, and the error queues of alerts, which nobody does.</param>
/// <param name="Delays">Those in which messages wait for a fixed time.</param>
/// <remarks>The audit trail is none of them: a stream, which keeps what was read.</remarks>
internal sealed record OurQueues(IReadOnlyList<string> Worked, IReadOnlyList<string> Delays)
{
    /// <summary>The queues of orders and, where there are people to alert, those of alerts.</summary>
    public static OurQueues Read(IConfiguration configuration)
    {
        var orders = configuration.ReadOptions<DelayedRedeliveryOptions>(DelayedRedeliveryOptions.Section).Delays
            .Select(delay => DelayQueues.QueueName(OrderConfirmationEndpoint.Queue, delay));
        var alertQueues = configuration.ReadOptions<AlertOptions>(AlertOptions.Section).Queues.ToArray();
        var alertDelays = AlertEndpoint.DelaysOf(configuration.ReadOptions<RedeliverOptions>(RedeliverOptions.Section));
        return new OurQueues(
            [OrderConfirmationEndpoint.Queue, .. alertQueues.SelectMany(queue => new[] { queue, $"{queue}_error" })],
            [.. orders.Concat(alertQueues.SelectMany(queue => alertDelays.Select(delay => DelayQueues.QueueName(queue, delay)))).Distinct()]);
    }
}
