using Contracts;
using MassTransit;
using Microsoft.Extensions.Options;
using Orders.FaultQueues;
using Orders.Ledger;
using Orders.Messaging;

namespace Notifications.Worker;

/// <summary>
/// Has a program that deploys the topology make the queue by which the API hears what became of orders. It is bound to what
/// workers tell and not to the orders: the broker refuses an order that no queue takes, and this one would take it whether
/// or not there ever was a worker.
/// </summary>
internal sealed class OrderStatusTopology : ITopologyPart
{
    public void Configure(IRabbitMqBusFactoryConfigurator bus, IServiceProvider services)
    {
        // Without an order store nobody would take anything out of it.
        if (services.GetRequiredService<IOptions<LedgerOptions>>().Value.Store == LedgerStore.None)
        {
            return;
        }

        bus.ReceiveEndpoint(QueueNames.OrderStatus, endpoint =>
        {
            var queueType = services.GetQueueType();
            services.UseTopology(endpoint);
            endpoint.SetQueueArguments(QueueArguments.Holding(queueType));
            endpoint.DeclareParking(QueueNames.OrderStatus, queueType);
            endpoint.Bind<OrderConfirmationSent>();
            endpoint.Bind<OrderConfirmationRetrying>();
            endpoint.Bind<OrderConfirmationFailed>();
            endpoint.Bind<NotificationSent>();
            endpoint.Bind<NotificationRetrying>();
            endpoint.Bind<NotificationFailed>();
        });
    }
}
