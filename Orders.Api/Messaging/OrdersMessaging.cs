using Notifications.Worker.Hosting;
using Notifications.Worker.Ledger;
using Notifications.Worker.Messaging;

namespace Orders.Api.Messaging;

public static class OrdersMessaging
{
    /// <summary>
    /// Adds the bus. The in-memory transport ends at the process, so on it the worker is hosted here; on RabbitMQ
    /// this program only publishes.
    /// </summary>
    public static void AddMessaging(this IHostApplicationBuilder builder)
    {
        if (builder.Configuration.GetTransport() == Transport.InMemory)
        {
            builder.AddNotifications();
        }
        else
        {
            builder.AddLedger();
            builder.AddBus();
        }
    }
}
