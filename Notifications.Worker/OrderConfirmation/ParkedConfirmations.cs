using Contracts;
using MassTransit;
using Orders.FaultQueues;
using Orders.Messaging;

namespace Notifications.Worker.OrderConfirmation;

/// <summary>Publishes <see cref="OrderConfirmationFailed"/> for every order whose message is parked, which makes the alert.</summary>
internal sealed class ParkedConfirmations(IServiceProvider services) : IParkedAnnouncer
{
    /// <summary>How long the broker may take for it.</summary>
    private static readonly TimeSpan TimeToPublish = TimeSpan.FromSeconds(30);

    public Task AnnounceAsync(FaultMessage message, string? orderId, string reason, DateTimeOffset at, CancellationToken cancellationToken) =>
        // The bus is still being made when its endpoints ask for this class.
        services.GetRequiredService<IBus>().PublishWithinAsync(new OrderConfirmationFailed(orderId, reason, at), TimeToPublish, cancellationToken);
}
