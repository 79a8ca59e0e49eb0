using MassTransit;
using Notifications.Worker.Backlog;
using Notifications.Worker.Email.Outages;
using Notifications.Worker.Faults.Job;
using Notifications.Worker.Messaging;
using Notifications.Worker.Redelivery;

namespace Notifications.Worker.Faults.Alerts;

/// <summary>
/// How alerts are consumed. They wait out what keeps them from being sent by the same steps as the redeliver job. One
/// that fails for the last time ends in its own error queue, which nobody is alerted about.
/// </summary>
/// <param name="queue">The endpoint's queue.</param>
/// <param name="options">Has the steps.</param>
internal sealed class AlertEndpoint(string queue, RedeliverOptions options)
{
    private static readonly TimeSpan ShortestRoundTrip = TimeSpan.FromSeconds(10);

    private readonly TimeSpan[] _delays = [.. StepsOf(options)];

    private TimeSpan RoundTrip => _delays.Append(ShortestRoundTrip).Min();

    /// <summary>Every delay for which an alert may have to wait: each has a delay queue.</summary>
    public static IReadOnlyList<TimeSpan> DelaysOf(RedeliverOptions options) =>
        [.. StepsOf(options), StepsOf(options).Append(ShortestRoundTrip).Min()];

    // No delay queue can hold a message for no time at all.
    private static IEnumerable<TimeSpan> StepsOf(RedeliverOptions options) => options.Waits.Where(wait => wait > TimeSpan.Zero);

    /// <summary>Configures the endpoint.</summary>
    public void Configure(IReceiveEndpointConfigurator endpoint, IRegistrationContext context)
    {
        if (endpoint is IRabbitMqReceiveEndpointConfigurator onRabbitMq)
        {
            var queueType = context.GetQueueType();
            onRabbitMq.SetQueueArguments(QueueArguments.Holding(queueType));
            onRabbitMq.DeclareDelayQueues(queue, DelaysOf(options), queueType);
        }

        endpoint.SetFaultsAside(context, deliveryLimit: 20);
        endpoint.TellAge(queue, context);
    }

    /// <summary>Configures the endpoint to take one message at a time, in one process at a time.</summary>
    public void ConfigureInOrder(IReceiveEndpointConfigurator endpoint, IRegistrationContext context)
    {
        endpoint.PrefetchCount = 1;
        if (endpoint is IRabbitMqReceiveEndpointConfigurator onRabbitMq)
        {
            onRabbitMq.SingleActiveConsumer = true;
        }

        Configure(endpoint, context);
    }

    /// <summary>Configures the consumer's pipe of a message, on that endpoint.</summary>
    public void Configure<TMessage>(IPipeConfigurator<ConsumeContext<TMessage>> messages, IReceiveEndpointConfigurator endpoint)
        where TMessage : class
    {
        var onRabbitMq = endpoint is IRabbitMqReceiveEndpointConfigurator;
        if (onRabbitMq)
        {
            messages.UseDelayQueues(queue);
        }

        messages.UseDelayedRedelivery(redelivery =>
        {
            redelivery.HandleTransientOnly();
            redelivery.Intervals(_delays);
        });
        messages.UseHeldMail(onRabbitMq ? RoundTrip : null);
    }
}
