using MassTransit;
using Orders.FaultQueues;
using Orders.Messaging;

namespace Orders.Api.Status;

/// <summary>The queue by which the API hears what became of orders.</summary>
public static class OrderStatusEndpoint
{
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
