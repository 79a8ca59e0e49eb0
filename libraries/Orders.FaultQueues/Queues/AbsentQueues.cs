using System.Collections.Concurrent;

namespace Orders.FaultQueues.Queues;

/// <summary>
/// Remembers which queues of other programs are missing. Parking is, until the first message is parked; to ask for it with every count would
/// fill the broker's log.
/// </summary>
internal sealed class AbsentQueues(FaultEndpoints endpoints, TimeProvider clock)
{
    /// <summary>How long an error queue counts as missing, which is made with the first fault.</summary>
    private static readonly TimeSpan TrustOfErrorQueues = TimeSpan.FromSeconds(15);

    /// <summary>How long parking does: in this process it is known when it is made.</summary>
    private static readonly TimeSpan TrustOfParking = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, TimeSpan> _trust = endpoints.Queues.Where(queue => queue.Endpoint.IsForeign)
        .ToDictionary(queue => queue.Name, queue => queue.Kind == FaultQueueKind.Error ? TrustOfErrorQueues : TrustOfParking);

    private readonly ConcurrentDictionary<string, long> _since = new();

    /// <summary>Whether a queue was missing a moment ago.</summary>
    public bool Contains(string queue) => _since.TryGetValue(queue, out var since) && clock.GetElapsedTime(since) < _trust[queue];

    /// <summary>Takes note that a queue is missing. Our own are asked for again in any case.</summary>
    public void Add(string queue)
    {
        if (_trust.ContainsKey(queue))
        {
            _since[queue] = clock.GetTimestamp();
        }
    }

    /// <summary>Takes note that a queue is there.</summary>
    public void Remove(string queue) => _since.TryRemove(queue, out _);
}
