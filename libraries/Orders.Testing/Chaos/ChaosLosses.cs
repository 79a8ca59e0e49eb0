using System.Collections.Concurrent;

namespace Orders.Testing.Chaos;

/// <summary>What was broken in a run, and how much it may have cost.</summary>
internal sealed class ChaosLosses
{
    private readonly ConcurrentDictionary<ChaosFault, int> _acts = [];
    private int _unreadable;

    /// <summary>How often each thing was broken.</summary>
    public IReadOnlyDictionary<ChaosFault, int> Acts => new SortedDictionary<ChaosFault, int>(_acts);

    /// <summary>How many messages that are no orders the broker confirmed.</summary>
    public int UnreadableConfirmed => Volatile.Read(ref _unreadable);

    /// <summary>How many emails the mail server took without telling its client; set when all is over.</summary>
    public int UnansweredEmails { get; set; }

    /// <summary>
    /// The most emails that may have been sent twice: all that was in flight whenever a worker died or lost its broker, and
    /// all whose client could not know that they were taken.
    /// </summary>
    public int MostDuplicates => UnansweredEmails + _acts.Sum(act => act.Value * InFlightAt(act.Key));

    public void Add(ChaosFault fault) => _acts.AddOrUpdate(fault, 1, (_, count) => count + 1);

    public void AddUnreadable() => Interlocked.Increment(ref _unreadable);

    private static int InFlightAt(ChaosFault fault) => fault switch
    {
        ChaosFault.WorkerKilled => ChaosSystem.Prefetch,
        ChaosFault.BrokerKilled or ChaosFault.BrokerStopped or ChaosFault.WorkersCutOff or ChaosFault.ConnectionsClosed =>
            ChaosSystem.Workers * ChaosSystem.Prefetch,
        // A replay is sent before the fault is let go.
        ChaosFault.RedeliverKilled => Notifications.Worker.Faults.Queues.FaultTurn.InFlight,
        _ => 0,
    };
}
