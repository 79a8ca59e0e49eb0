using Orders.Messaging.Failures;

namespace Notifications.Worker.Pipeline;

/// <summary>An email was not sent, because its message has the ids of another one.</summary>
/// <param name="message">Which ids, in one line; they are known to be proper ones.</param>
public sealed class ConflictException(string message) : Exception(message), IForeseenFailure
{
    /// <inheritdoc/>
    public FailureKind Kind => FailureKind.Conflict;
}
