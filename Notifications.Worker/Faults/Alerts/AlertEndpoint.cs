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
/// <typeparam name="TDelays">Stands for the exchange of the endpoint's delay queues.</typeparam>
/// <param name="queue">The endpoint's queue.</param>
/// <param name="options">Has the steps.</param>
internal sealed class AlertEndpoint<TDelays>(string queue, RedeliverOptions options)
    where TDelays : class
{
    private readonly TimeSpan[] _delays = [.. AlertDelays.StepsOf(options)];

    /// <summary>Configures the endpoint.</summary>
    public void Configure(IReceiveEndpointConfigurator endpoint, IRegistrationContext context)
    {
        if (endpoint is IRabbitMqReceiveEndpointConfigurator onRabbitMq)
        {
            var queueType = context.GetQueueType();
            onRabbitMq.SetQueueArguments(QueueArguments.Holding(queueType));
            onRabbitMq.DeclareDelayQueues(queue, AlertDelays.Of(options), queueType);
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
            messages.UseDelayQueues<TMessage, TDelays>();
        }

        messages.UseDelayedRedelivery(redelivery =>
        {
            redelivery.HandleTransientOnly();
            redelivery.Intervals(_delays);
        });
        messages.UseHeldMail(onRabbitMq ? AlertDelays.RoundTripOf(options) : null);
    }
}

/// <summary>For how long alerts may have to wait.</summary>
internal static class AlertDelays
{
    private static readonly TimeSpan ShortestRoundTrip = TimeSpan.FromSeconds(10);

    /// <summary>Every delay that there is: each has a delay queue.</summary>
    public static IReadOnlyList<TimeSpan> Of(RedeliverOptions options) => [.. StepsOf(options), RoundTripOf(options)];

    /// <summary>From one try to the next, in their order; no delay queue can hold a message for no time at all.</summary>
    public static IEnumerable<TimeSpan> StepsOf(RedeliverOptions options) => options.Waits.Where(wait => wait > TimeSpan.Zero);

    /// <summary>How long an alert is away that comes back untried.</summary>
    public static TimeSpan RoundTripOf(RedeliverOptions options) => StepsOf(options).Append(ShortestRoundTrip).Min();
}
