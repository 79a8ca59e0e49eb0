using Orders.Messaging.Failures;

namespace Notifications.Worker.OrderConfirmation;

/// <summary>An order breaks the rules; the message names its fields and no value.</summary>
public sealed class InvalidOrderException(IEnumerable<string> mistakes)
    : Exception($"The order is not valid: {string.Join(' ', mistakes)}"), IForeseenFailure
{
    /// <inheritdoc/>
    public FailureKind Kind => FailureKind.Permanent;
}
