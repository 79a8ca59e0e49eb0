using Contracts;
using MassTransit;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Notifications.Worker;
using Orders.Api.Status;
using Orders.Ledger;
using Orders.Messaging;
using Orders.Messaging.Operators;

namespace Orders.Api.Messaging;

public static class OrdersMessaging
{
    /// <summary>
    /// Adds the bus. The in-memory transport ends at the process, so on it the worker is hosted here; on RabbitMQ
    /// this program only publishes orders and hears what became of them.
    /// </summary>
    public static void AddMessaging(this IHostApplicationBuilder builder)
    {
        if (builder.Configuration.GetTransport() == Transport.InMemory)
        {
            builder.AddNotifications(AddOrderStatus);
        }
        else
        {
            builder.AddLedger();
            builder.Services.AddPublishedMessages(OrderMessages.All);
            builder.Services.TryAddSingleton<OperatorEvents>();
            builder.AddBus(AddOrderStatus);
        }

        void AddOrderStatus(IBusRegistrationConfigurator bus)
        {
            if (builder.Configuration.GetLedgerStore() != LedgerStore.None)
            {
                bus.AddConsumer<OrderStatusConsumer, OrderStatusConsumerDefinition>();
            }
        }
    }
}
