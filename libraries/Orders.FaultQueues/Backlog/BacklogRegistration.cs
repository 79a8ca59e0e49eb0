using MassTransit;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Orders.FaultQueues.Backlog;

/// <summary>How much waits in our queues, and for how long.</summary>
public static class BacklogRegistration
{
    /// <summary>Adds the <see cref="BacklogMetrics"/> of this process.</summary>
    public static void AddBacklog(this IHostApplicationBuilder builder) => builder.Services.TryAddSingleton<BacklogMetrics>();

    /// <summary>Adds the watch over all queues, of which one process in the system is enough.</summary>
    public static void AddBacklogWatch(this IHostApplicationBuilder builder)
    {
        builder.AddBacklog();
        builder.Services.AddSingleton<OurQueues>();
        builder.Services.AddSingleton<BacklogWatch>();
        builder.Services.AddHostedService(services => services.GetRequiredService<BacklogWatch>());
    }

    /// <summary>Has an endpoint tell how old the messages are that it works on.</summary>
    public static void ObserveAge(this IReceiveEndpointConfigurator endpoint, string queue, IRegistrationContext context)
    {
        var backlog = context.GetRequiredService<BacklogMetrics>();
        backlog.SetOldest(queue, null);
        endpoint.UseFilter(new MessageInHandFilter(backlog, queue, context.GetRequiredService<TimeProvider>()));
    }
}
