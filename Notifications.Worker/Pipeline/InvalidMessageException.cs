using Orders.Messaging.Failures;

namespace Notifications.Worker.Pipeline;

/// <summary>A message breaks the rules; the text names its fields and no value.</summary>
public sealed class InvalidMessageException(string noun, IEnumerable<string> mistakes)
    : Exception($"The {noun} is not valid: {string.Join(' ', mistakes)}"), IForeseenFailure
{
    /// <inheritdoc/>
    public FailureKind Kind => FailureKind.Permanent;
}
