namespace Orders.FaultQueues;

/// <summary>
/// Tells other programs of a message that is parked, in the words of its endpoint. A keyed service: its key is the endpoint's queue.
/// </summary>
public interface IParkedAnnouncer
{
    /// <summary>Publishes that the message will not be consumed again by itself.</summary>
    /// <param name="message">The message.</param>
    /// <param name="subject">What it is about; <c>null</c> where that is not known, or belongs to another message.</param>
    /// <param name="reason">Why, in one line.</param>
    /// <param name="at">When it was parked.</param>
    /// <param name="cancellationToken">Gives up waiting for the broker.</param>
    /// <exception cref="OperationCanceledException">Cancelled, or the broker took too long.</exception>
    Task AnnounceAsync(FaultMessage message, string? subject, string reason, DateTimeOffset at, CancellationToken cancellationToken);
}
