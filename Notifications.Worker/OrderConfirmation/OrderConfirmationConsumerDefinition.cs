using Contracts;
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

namespace Notifications.Worker.OrderConfirmation;

/// <summary>
/// How order confirmations are consumed: at once again after a failure, then after the delays of
/// <see cref="DelayedRedeliveryOptions"/>, then set aside in the error queue.
/// </summary>
public sealed class OrderConfirmationConsumerDefinition : ConsumerDefinition<OrderConfirmationConsumer>
{
    private readonly OrderConfirmationOptions _options;
    private readonly IReadOnlyList<TimeSpan> _delays;

    public OrderConfirmationConsumerDefinition(
        IOptions<OrderConfirmationOptions> options, IOptions<DelayedRedeliveryOptions> redelivery)
    {
        _options = options.Value;
        _delays = redelivery.Value.Delays;
        EndpointName = OrderConfirmationEndpoint.Queue;
        ConcurrentMessageLimit = _options.Concurrency;
    }

    protected override void ConfigureConsumer(
        IReceiveEndpointConfigurator endpointConfigurator,
        IConsumerConfigurator<OrderConfirmationConsumer> consumerConfigurator,
        IRegistrationContext context)
    {
        endpointConfigurator.PrefetchCount = _options.Prefetch;
        endpointConfigurator.SetFaultsAside(context, _options.DeliveryLimit, context.GetService<RefusedFaults>() is { } refused ? refused.TellAsync : null);
        endpointConfigurator.TellAge(OrderConfirmationEndpoint.Queue, context);
        // Beside MassTransit's envelope: an order as a program writes it that knows nothing of MassTransit.
        endpointConfigurator.UseRawJsonDeserializer(RawSerializerOptions.AnyMessageType | RawSerializerOptions.CopyHeaders);

        var onRabbitMq = endpointConfigurator as IRabbitMqReceiveEndpointConfigurator;
        if (onRabbitMq is not null)
        {
            var queueType = context.GetQueueType();
            onRabbitMq.DeclareOperatorEvents();
            onRabbitMq.DeclareQueue(OrderConfirmationEndpoint.ParkingQueue, QueueArguments.Holding(queueType));
            // Nothing is dead-lettered by this as long as nobody sets a policy with a delivery limit.
            onRabbitMq.SetQueueArguments(QueueArguments.DeadLetterTo(OrderConfirmationEndpoint.ParkingQueue, queueType));
            onRabbitMq.DeclareDelayQueues(OrderConfirmationEndpoint.Queue, _delays, queueType);
        }

        consumerConfigurator.Message<OrderPlaced>(messages =>
        {
            messages.UseFilter(new NoReplyFilter<OrderPlaced>());
            messages.UseFilter(new ReadableIdsFilter<OrderPlaced>());
            if (onRabbitMq is not null)
            {
                messages.UseDelayQueues<OrderPlaced, IOrderConfirmationDelays>();
            }

            messages.UseDelayedRedelivery(redelivery =>
            {
                redelivery.HandleTransientOnly();
                redelivery.Intervals([.. _delays]);
            });
            messages.UseFilter(new RetryingFilter(
                _delays,
                context.GetService<RedeliverPolicy>(),
                context.GetRequiredService<TimeProvider>(),
                context.GetRequiredService<ILogger<RetryingFilter>>()));
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
            messages.UseFilter(new RetryCountFilter<OrderPlaced>());
            messages.UseHeldMail(_delays.Min(), waitsForEver: onRabbitMq is null);
        });
    }
}

/// <summary>Stands for the exchange of the delay queues.</summary>
[EntityName(OrderConfirmationEndpoint.Queue + DelayQueues.ExchangeSuffix), ExcludeFromTopology]
internal interface IOrderConfirmationDelays;
