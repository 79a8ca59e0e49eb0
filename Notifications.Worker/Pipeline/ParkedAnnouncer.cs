using Contracts;
using MassTransit;
using Orders.FaultQueues;
using Orders.Messaging;

namespace Notifications.Worker.Pipeline;

/// <summary>Publishes the <see cref="Notification{TMessage}.FailedEvent"/> of every message that is parked, which makes the alert.</summary>
internal sealed class ParkedAnnouncer<TMessage>(Notification<TMessage> notification, IServiceProvider services) : IParkedAnnouncer
    where TMessage : class
{
    /// <summary>How long the broker may take for it.</summary>
    private static readonly TimeSpan TimeToPublish = TimeSpan.FromSeconds(30);

    public Task AnnounceAsync(FaultMessage message, string? subject, string reason, DateTimeOffset at, CancellationToken cancellationToken)
    {
        var orderId = OrderRules.IsOrderId(subject) ? subject : null;
        // Without an order id of its own, the message may be in conflict with another one, which then has the reference too.
        var reference = orderId is not null && notification.Reference is { } known ? message.ReadId(known.Field) : null;
        // The bus is still being made when its endpoints ask for this class.
        return services.GetRequiredService<IBus>().PublishWithinAsync(
            notification.FailedEvent(orderId, reference, reason, at), TimeToPublish, cancellationToken);
    }
}
