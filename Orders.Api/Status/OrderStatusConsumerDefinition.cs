using Contracts;
using MassTransit;

namespace Orders.Api.Status;

/// <summary>How events are consumed: each is one round trip to the order book, and it does not matter which is first.</summary>
public sealed class OrderStatusConsumerDefinition : ConsumerDefinition<OrderStatusConsumer>
{
    /// <summary>Enough to keep a store busy that takes a millisecond to answer.</summary>
    private const int Prefetch = 64;

    public OrderStatusConsumerDefinition() => EndpointName = QueueNames.OrderStatus;

    protected override void ConfigureConsumer(
        IReceiveEndpointConfigurator endpointConfigurator, IConsumerConfigurator<OrderStatusConsumer> consumerConfigurator, IRegistrationContext context)
    {
        endpointConfigurator.PrefetchCount = Prefetch;
        endpointConfigurator.ConfigureOrderStatus(context);
        endpointConfigurator.UseFilter(new HandBackFilter());
    }
}
