using MassTransit;
using Orders.FaultQueues;
using Orders.Messaging;

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
}
