using Contracts;
using MassTransit;
using Orders.FaultQueues;
using Orders.Messaging;

namespace Orders.Api.Status;

/// <summary>How events are consumed: each is one round trip to the order store, and it does not matter which is first.</summary>
public sealed class OrderStatusConsumerDefinition : ConsumerDefinition<OrderStatusConsumer>
{
    /// <summary>Enough to keep a store busy that takes a millisecond to answer.</summary>
    private const int Prefetch = 64;

    private static readonly FaultEndpoint Faults = new(QueueNames.OrderStatus) { Subject = [JsonPath.Parse("$.orderId")] };

    public OrderStatusConsumerDefinition() => EndpointName = QueueNames.OrderStatus;

    protected override void ConfigureConsumer(
        IReceiveEndpointConfigurator endpointConfigurator, IConsumerConfigurator<OrderStatusConsumer> consumerConfigurator, IRegistrationContext context)
    {
        endpointConfigurator.PrefetchCount = Prefetch;
        if (endpointConfigurator is IRabbitMqReceiveEndpointConfigurator onRabbitMq)
        {
            var queueType = context.GetQueueType();
            onRabbitMq.SetQueueArguments(QueueArguments.Holding(queueType));
            onRabbitMq.DeclareParking(QueueNames.OrderStatus, queueType);
        }

        // What is handed back untried, because the order store is away, never counts as a failure.
        endpointConfigurator.SetFaultsAside(context, Faults, deliveryLimit: int.MaxValue);
        endpointConfigurator.UseFilter(new HandBackFilter());
    }
}
