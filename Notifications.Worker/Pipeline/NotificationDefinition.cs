using MassTransit;
using Microsoft.Extensions.Options;
using Orders.Email.Outages;
using Orders.FaultQueues;
using Orders.FaultQueues.Backlog;
using Orders.FaultQueues.Policy;
using Orders.Messaging;
using Orders.Messaging.Failures;
using Orders.Messaging.Operators;
using Orders.Messaging.Redelivery;

namespace Notifications.Worker.Pipeline;

/// <summary>
/// How the messages of notifications are consumed: at once again after a failure, then after the delays of
/// <see cref="DelayedRedeliveryOptions"/>, then set aside in the error queue.
/// </summary>
internal sealed class NotificationDefinition<TMessage> : ConsumerDefinition<NotificationConsumer<TMessage>>
    where TMessage : class
{
    private readonly Notification<TMessage> _notification;
    private readonly NotificationOptions _options;
    private readonly IReadOnlyList<TimeSpan> _delays;

    public NotificationDefinition(
        Notification<TMessage> notification, IOptions<NotificationOptions<TMessage>> options, IOptions<DelayedRedeliveryOptions> redelivery)
    {
        _notification = notification;
        _options = options.Value;
        _delays = redelivery.Value.Delays;
        EndpointName = notification.Endpoint.Queue;
        ConcurrentMessageLimit = _options.Concurrency;
    }

    protected override void ConfigureConsumer(
        IReceiveEndpointConfigurator endpointConfigurator,
        IConsumerConfigurator<NotificationConsumer<TMessage>> consumerConfigurator,
        IRegistrationContext context)
    {
        var (queue, parkingQueue) = (_notification.Endpoint.Queue, _notification.Endpoint.ParkingQueue);
        endpointConfigurator.PrefetchCount = _options.Prefetch;
        endpointConfigurator.SetFaultsAside(context, _notification.Endpoint, _options.DeliveryLimit, context.GetService<RefusedFaults>() is { } refused ? refused.AnnounceAsync : null);
        endpointConfigurator.ObserveAge(queue, context);
        // Beside MassTransit's envelope: a message as a program writes it that knows nothing of MassTransit.
        endpointConfigurator.UseRawJsonDeserializer(RawSerializerOptions.AnyMessageType | RawSerializerOptions.CopyHeaders);

        var onRabbitMq = endpointConfigurator as IRabbitMqReceiveEndpointConfigurator;
        if (onRabbitMq is not null)
        {
            var queueType = context.GetQueueType();
            onRabbitMq.DeclareOperatorEvents();
            onRabbitMq.DeclareParking(queue, queueType);
            // Nothing is dead-lettered by this as long as nobody sets a policy with a delivery limit.
            onRabbitMq.SetQueueArguments(QueueArguments.DeadLetterTo(parkingQueue, queueType));
            onRabbitMq.DeclareDelayQueues<NotificationConsumer<TMessage>>(queue, _delays, queueType);
        }

        consumerConfigurator.Message<TMessage>(messages =>
        {
            messages.UseFilter(new NoReplyFilter<TMessage>());
            messages.UseFilter(new ReadableIdsFilter<TMessage>());
            if (onRabbitMq is not null)
            {
                messages.UseDelayQueues<TMessage, NotificationConsumer<TMessage>>();
            }

            messages.UseDelayedRedelivery(redelivery =>
            {
                redelivery.HandleTransientOnly();
                redelivery.Intervals([.. _delays]);
            });
            messages.UseFilter(new RetryingFilter<TMessage>(
                _notification,
                _delays,
                context.GetService<RedeliverPolicy>(),
                context.GetRequiredService<TimeProvider>(),
                context.GetRequiredService<ILogger<RetryingFilter<TMessage>>>()));
            messages.UseMessageRetry(retry =>
            {
                retry.HandleTransientOnly();
                // Not an interval that is taken zero times: to MassTransit that is a mistake.
                if (_options.Retries == 0)
                {
                    retry.None();
                }
                else
                {
                    retry.Interval(_options.Retries, _options.RetryInterval);
                }
            });
            messages.UseFilter(new RetryCountFilter<TMessage>());
            messages.UseDeferredEmails(_delays.Min(), waitsForEver: onRabbitMq is null);
        });
    }
}
