using Orders.Api.OrderBook;

namespace Orders.Api.Publishing;

public static class PublishingRegistration
{
    /// <summary>Adds what publishes messages once, and the order book that remembers them.</summary>
    public static void AddPublishing(this IHostApplicationBuilder builder)
    {
        builder.AddOrderBook();
        builder.Services.AddSingleton<MessagePublisher>();
        builder.Services.AddSingleton<PublishOnce>();
    }
}
