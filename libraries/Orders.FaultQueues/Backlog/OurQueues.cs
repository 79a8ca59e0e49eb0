namespace Orders.FaultQueues.Backlog;

/// <summary>Queues of ours on a broker, by what this process knows of the configuration. Each part of the system registers its own.</summary>
/// <param name="Worked">Those that consumers work on, and error queues that nobody does.</param>
/// <param name="Delays">Those in which messages wait for a fixed time.</param>
public sealed record WatchedQueues(IReadOnlyList<string> Worked, IReadOnlyList<string> Delays);

/// <summary>
/// All <see cref="WatchedQueues"/>. Those that hold faults have names of their own, see <see cref="FaultEndpoint"/>. The
/// audit trail is none of them: a stream, which keeps what was read.
/// </summary>
internal sealed class OurQueues(IEnumerable<WatchedQueues> parts)
{
    /// <summary>Those that consumers work on, and error queues that nobody does.</summary>
    public IReadOnlyList<string> Worked { get; } = [.. parts.SelectMany(part => part.Worked)];

    /// <summary>Those in which messages wait for a fixed time.</summary>
    public IReadOnlySet<string> Delays { get; } = parts.SelectMany(part => part.Delays).ToHashSet();
}
