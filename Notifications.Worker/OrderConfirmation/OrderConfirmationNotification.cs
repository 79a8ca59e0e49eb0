using Contracts;
using Notifications.Worker.Pipeline;

namespace Notifications.Worker.OrderConfirmation;

/// <summary>Tells the customer that the order has arrived.</summary>
internal sealed class OrderConfirmationNotification : Notification<OrderPlaced>
{
    public override string Name => "order-confirmation";

    /// <summary>It was the only one in earlier releases.</summary>
    protected override bool IsDefault => true;

    public override string Noun => "order";

    public override NotificationReference<OrderPlaced>? Reference => null;

    /// <summary>Older than <c>notification.duration</c>. Dashboards rely on it.</summary>
    public override DurationMetric OwnDuration => new("order.confirmation.duration", "Time from an order to the mail server's acceptance of its confirmation.");

    public override IReadOnlyDictionary<string, string[]> FindMistakes(OrderPlaced order) => OrderRules.FindMistakes(order.OrderId, order.Email, order.Product);

    public override string OrderIdOf(OrderPlaced order) => order.OrderId;

    public override string RecipientOf(OrderPlaced order) => order.Email;

    public override string ContentOf(OrderPlaced order) => OrderRules.ContentOf(order);

    public override DateTimeOffset TimeOf(OrderPlaced order) => order.PlacedAt;

    public override OrderPlaced WithTime(OrderPlaced order, DateTimeOffset time) => order with { PlacedAt = time };

    public override Task<EmailContent> WriteAsync(OrderPlaced order, EmailTemplates templates) => OrderConfirmationEmail.WriteAsync(order, templates);

    // These three, too, are older than those of every other notification.
    public override object SentEvent(NotificationKey order, string messageId, DateTimeOffset at) =>
        new OrderConfirmationSent(order.OrderId, messageId, at);

    public override object RetryingEvent(NotificationKey order, int attempts, DateTimeOffset? nextAttemptAt, string reason, DateTimeOffset at) =>
        new OrderConfirmationRetrying(order.OrderId, attempts, nextAttemptAt, reason, at);

    public override object FailedEvent(string? orderId, string? reference, string reason, DateTimeOffset at) =>
        new OrderConfirmationFailed(orderId, reason, at);

    public override string ConflictText(NotificationKey order) =>
        $"The order id {order.OrderId} is that of another order, with another address or product.";
}
