using MassTransit;
using Microsoft.Extensions.Options;
using Orders.Email.Outages;
using Orders.FaultQueues;
using Orders.FaultQueues.Backlog;
using Orders.FaultQueues.Policy;
using Orders.Messaging;
using Orders.Messaging.Failures;
using Orders.Messaging.Redelivery;

namespace Notifications.Worker.Alerts;

/// <summary>
/// How alerts are consumed. They wait out what keeps them from being sent by the same steps as the redeliver job. One
/// that fails for the last time ends in its own error queue, where people find it: nobody is alerted about an alert.
/// </summary>
/// <typeparam name="TConsumer">The consumer.</typeparam>
internal abstract class AlertConsumerDefinition<TConsumer> : ConsumerDefinition<TConsumer>
    where TConsumer : class, IConsumer
{
    private readonly string _queue;
    private readonly ReplayOptions _options;
    private readonly bool _inOrder;

    /// <param name="queue">The endpoint's queue.</param>
    /// <param name="options">Has the steps.</param>
    /// <param name="inOrder">Whether one message is consumed at a time, in one process at a time.</param>
    protected AlertConsumerDefinition(string queue, IOptions<ReplayOptions> options, bool inOrder)
    {
        (_queue, _options, _inOrder) = (queue, options.Value, inOrder);
        EndpointName = queue;
        if (inOrder)
        {
            ConcurrentMessageLimit = 1;
        }
    }

    /// <summary>Calls <see cref="Configure{TMessage}"/> for each message that is consumed.</summary>
    protected abstract void ConfigureMessages(IConsumerConfigurator<TConsumer> consumer, IReceiveEndpointConfigurator endpoint);

    protected sealed override void ConfigureConsumer(
        IReceiveEndpointConfigurator endpointConfigurator, IConsumerConfigurator<TConsumer> consumerConfigurator, IRegistrationContext context)
    {
        if (_inOrder)
        {
            endpointConfigurator.PrefetchCount = 1;
        }

        if (endpointConfigurator is IRabbitMqReceiveEndpointConfigurator onRabbitMq)
        {
            if (_inOrder)
            {
                onRabbitMq.SingleActiveConsumer = true;
            }

            var queueType = context.GetQueueType();
            onRabbitMq.SetQueueArguments(QueueArguments.Holding(queueType));
            onRabbitMq.DeclareParking(_queue, queueType);
            onRabbitMq.DeclareDelayQueues<TConsumer>(_queue, AlertDelays.Of(_options), queueType);
        }

        endpointConfigurator.SetFaultsAside(context, AlertsRegistration.FaultsOf(_queue), deliveryLimit: 20);
        endpointConfigurator.ObserveAge(_queue, context);
        ConfigureMessages(consumerConfigurator, endpointConfigurator);
    }

    /// <summary>Configures the consumer's pipe of a message.</summary>
    protected void Configure<TMessage>(IConsumerConfigurator<TConsumer> consumer, IReceiveEndpointConfigurator endpoint)
        where TMessage : class => consumer.Message<TMessage>(messages =>
    {
        var onRabbitMq = endpoint is IRabbitMqReceiveEndpointConfigurator;
        if (onRabbitMq)
        {
            messages.UseDelayQueues<TMessage, TConsumer>();
        }

        messages.UseDelayedRedelivery(redelivery =>
        {
            redelivery.HandleTransientOnly();
            redelivery.Intervals([.. AlertDelays.StepsOf(_options)]);
        });
        messages.UseDeferredEmails(AlertDelays.RoundTripOf(_options), waitsForEver: !onRabbitMq);
    });
}

/// <summary>For how long alerts may have to wait.</summary>
internal static class AlertDelays
{
    private static readonly TimeSpan ShortestRoundTrip = TimeSpan.FromSeconds(10);

    /// <summary>Every delay that there is: each has a delay queue.</summary>
    public static IReadOnlyList<TimeSpan> Of(ReplayOptions options) => [.. StepsOf(options), RoundTripOf(options)];

    /// <summary>From one try to the next, in their order; no delay queue can hold a message for no time at all.</summary>
    public static IEnumerable<TimeSpan> StepsOf(ReplayOptions options) => options.Waits.Where(wait => wait > TimeSpan.Zero);

    /// <summary>How long an alert is away that comes back untried.</summary>
    public static TimeSpan RoundTripOf(ReplayOptions options) => StepsOf(options).Append(ShortestRoundTrip).Min();
}
