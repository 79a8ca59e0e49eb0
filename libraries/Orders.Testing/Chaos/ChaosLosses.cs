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

    /// <summary>The orders that a worker emailed because another one was killed over their email, each as often as that happened; set when all is over.</summary>
    public IReadOnlyCollection<string> SentAgain { get; set; } = [];

    public void Add(ChaosFault fault) => _acts.AddOrUpdate(fault, 1, (_, count) => count + 1);

    public void AddUnreadable() => Interlocked.Increment(ref _unreadable);
}
