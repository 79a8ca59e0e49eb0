namespace Notifications.Worker.Faults;

/// <summary>The port to the queues in which faults wait.</summary>
public interface IFaultTransport
{
    /// <summary>How many messages wait in a queue; 0 where the queue does not exist yet.</summary>
    Task<long> CountAsync(string queue, CancellationToken cancellationToken);

    /// <summary>
    /// Opens a queue to look at its messages and move them. Only one session at a time has a queue, in all
    /// processes together: two would hide messages from each other.
    /// </summary>
    /// <returns>The session, or <c>null</c> while somebody else has one or where the queue does not exist yet.</returns>
    Task<IFaultSession?> TryOpenAsync(string queue, CancellationToken cancellationToken);
}

/// <summary>
/// One look at a queue. When it is disposed of, or its process dies, every message that was read and not completed
/// is back in its place.
/// </summary>
public interface IFaultSession : IAsyncDisposable
{
    /// <summary>Reads what was in the queue when the session began, oldest first.</summary>
    IAsyncEnumerable<HeldFault> ReadAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Sends a message on. When the task completes, the broker has it safe; the one that is held stays where it is
    /// until <see cref="CompleteAsync"/>, so that a crash in between repeats and never loses.
    /// </summary>
    /// <param name="held">The message that the other one was made from; gives it its MessageId and properties.</param>
    /// <param name="queue">The queue to send to.</param>
    /// <param name="message">What to send.</param>
    /// <param name="cancellationToken">Gives up waiting for the broker.</param>
    Task SendAsync(HeldFault held, string queue, FaultMessage message, CancellationToken cancellationToken);

    /// <summary>Takes a message out of the queue for good.</summary>
    Task CompleteAsync(HeldFault held, CancellationToken cancellationToken);
}

/// <summary>A message that a session has read. Transports derive their own from it.</summary>
public abstract class HeldFault(FaultMessage message)
{
    public FaultMessage Message { get; } = message;
}
