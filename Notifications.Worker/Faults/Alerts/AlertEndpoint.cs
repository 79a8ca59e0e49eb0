using MassTransit;
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
    private static readonly TimeSpan ShortestRoundTrip = TimeSpan.FromSeconds(10);

    // No delay queue can hold a message for no time at all.
    private readonly TimeSpan[] _delays = [.. options.Waits.Where(wait => wait > TimeSpan.Zero)];

    private TimeSpan RoundTrip => _delays.Append(ShortestRoundTrip).Min();

    /// <summary>Configures the endpoint.</summary>
    public void Configure(IReceiveEndpointConfigurator endpoint, IRegistrationContext context)
    {
        if (endpoint is IRabbitMqReceiveEndpointConfigurator onRabbitMq)
        {
            var queueType = context.GetQueueType();
            onRabbitMq.SetQueueArguments(QueueArguments.Holding(queueType));
            onRabbitMq.DeclareDelayQueues(queue, [.. _delays, RoundTrip], queueType);
        }

        endpoint.SetFaultsAside(context, deliveryLimit: 20);
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
        messages.UseHeldMail(onRabbitMq ? RoundTrip : null);
    }
}
