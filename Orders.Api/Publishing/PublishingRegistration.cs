using Orders.Api.OrderStore;

namespace Orders.Api.Publishing;

public static class PublishingRegistration
{
    /// <summary>Adds what publishes messages once, and the order store that remembers them.</summary>
    public static void AddPublishing(this IHostApplicationBuilder builder)
    {
        builder.AddOrderStore();
        builder.Services.AddSingleton<MessagePublisher>();
        builder.Services.AddSingleton<PublishOnce>();
    }
}
