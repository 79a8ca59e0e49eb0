namespace Orders.FaultQueues.Queues;

/// <summary>The port to the queues in which faults wait.</summary>
public interface IFaultTransport
{
    /// <summary>How many messages wait in a queue, those that a session of this process holds included; 0 where the queue does not exist yet.</summary>
    Task<long> CountAsync(string queue, CancellationToken cancellationToken);

    /// <summary>
    /// Opens a queue to look at its messages and move them. Only one session at a time has a queue, in all
    /// processes together: two would hide messages from each other. Who is late waits for a turn, so nobody should keep
    /// a session for longer than <see cref="FaultTurn.Longest"/> and what its look takes.
    /// </summary>
    /// <returns>The session, or <c>null</c> where the queue does not exist yet.</returns>
    /// <exception cref="FaultQueueBusyException">The turn did not come within <see cref="FaultTurn.Patience"/>.</exception>
    Task<IFaultSession?> OpenAsync(string queue, CancellationToken cancellationToken);
}

/// <summary>
/// One look at a queue. When it is disposed of, or its process dies, every message that was read and not completed
/// is back in its place.
/// </summary>
public interface IFaultSession : IAsyncDisposable
{
    /// <summary>How many messages the queue held when the session began.</summary>
    long Count { get; }

    /// <summary>
    /// Reads what was in the queue when the session began, oldest first. Ends early only by an exception.
    /// </summary>
    IAsyncEnumerable<HeldFault> ReadAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Whether whoever reads has to complete, before reading on, what it is going to complete of all that it has read.
    /// <see cref="FaultPortions"/> keeps to that.
    /// </summary>
    bool CompletesBeforeNext { get; }

    /// <summary>
    /// Sends a message on. When the task completes, the broker has it safe; the one that is held stays where it is
    /// until <see cref="CompleteAsync"/>, so that a crash in between repeats and never loses.
    /// </summary>
    /// <param name="held">The message that the other one was made from; gives it its properties.</param>
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

/// <summary>How those who want the same queue get along.</summary>
public static class FaultTurn
{
    /// <summary>Who moves many messages lets others have the queue after this time. With a long queue that takes longer, see <see cref="FaultTurnTime"/>.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    /// <summary>How many messages are moved at the same time: as many may be doubled by a crash.</summary>
    public const int InFlight = 50;

    /// <summary>How long to wait for a turn.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
}

/// <summary>Somebody else has had the queue all the time.</summary>
public sealed class FaultQueueBusyException(string queue)
    : Exception($"The queue {queue} is being worked on by somebody else. Try again in a moment.");
