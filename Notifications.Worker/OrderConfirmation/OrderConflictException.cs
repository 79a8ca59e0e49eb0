using Orders.Messaging.Failures;

namespace Notifications.Worker.OrderConfirmation;

/// <summary>An email was not sent, because the order's id is that of another order.</summary>
/// <param name="orderId">The id, which is known to be a proper one.</param>
public sealed class OrderConflictException(string orderId)
    : Exception($"The order id {orderId} is that of another order, with another address or product."), IForeseenFailure
{
    /// <inheritdoc/>
    public FailureKind Kind => FailureKind.Conflict;
}
