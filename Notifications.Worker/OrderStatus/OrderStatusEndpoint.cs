using Contracts;
using MassTransit;
using Notifications.Worker.Faults;
using Notifications.Worker.Messaging;

namespace Notifications.Worker.OrderStatus;

/// <summary>
/// The queue by which the API hears what became of orders. It is here, and its consumer there, since the command that
/// deploys the topology makes the queues of both programs.
/// </summary>
public static class OrderStatusEndpoint
{
    /// <summary>The queue's name. Other systems rely on it.</summary>
    public const string Queue = "order-status";

    /// <summary>
    /// Declares the queue like every other one, and sets aside in its error queue what nobody can read. What is handed back
    /// untried, because the order book is away, never counts as that.
    /// </summary>
    public static void ConfigureOrderStatus(this IReceiveEndpointConfigurator endpoint, IRegistrationContext context)
    {
        if (endpoint is IRabbitMqReceiveEndpointConfigurator onRabbitMq)
        {
            onRabbitMq.SetQueueArguments(QueueArguments.Holding(context.GetQueueType()));
        }

        endpoint.SetFaultsAside(context, deliveryLimit: int.MaxValue);
    }

    /// <summary>
    /// Has a program that deploys the topology make the queue. It is bound to what workers tell and not to the orders: the
    /// broker refuses an order that no queue takes, and this one would take it whether or not there ever was a worker.
    /// </summary>
    internal static void DeployOrderStatus(this IRabbitMqBusFactoryConfigurator bus, IServiceProvider services) =>
        bus.ReceiveEndpoint(Queue, endpoint =>
        {
            services.UseTopology(endpoint);
            endpoint.SetQueueArguments(QueueArguments.Holding(services.GetQueueType()));
            endpoint.Bind<OrderConfirmationSent>();
            endpoint.Bind<OrderConfirmationRetrying>();
            endpoint.Bind<OrderConfirmationFailed>();
        });
}
