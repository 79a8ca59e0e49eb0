using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Orders.ServiceDefaults.Telemetry;

namespace Orders.FaultQueues.Backlog;

/// <summary>
/// Tells how much waits in our queues, and for how long. Several processes may tell of one queue, each as much as it
/// knows: the largest value is the true one.
/// </summary>
public sealed class BacklogMetrics
{
    private readonly ConcurrentDictionary<string, DateTimeOffset?> _oldest = new();
    private readonly ConcurrentDictionary<Held, DateTimeOffset> _inHand = new();
    private readonly TimeProvider _clock;
    private readonly ObservableGauge<long> _messages;
    private volatile IReadOnlyList<QueueCounts> _counts = [];

    public BacklogMetrics(IMeterFactory meters, TimeProvider clock)
    {
        _clock = clock;
        var meter = meters.CreateForWorker();
        _messages = meter.CreateObservableGauge(
            "orders.queue.messages",
            () => _counts.Select(queue => Of(queue.Queue, queue.Messages)),
            "{message}",
            "Messages in a queue that no consumer has in hand.");
        meter.CreateObservableGauge(
            "orders.queue.consumers",
            () => _counts.Where(queue => queue.Consumers is not null).Select(queue => Of(queue.Queue, queue.Consumers!.Value)),
            "{consumer}",
            "Consumers of a queue.");
        meter.CreateObservableGauge(
            "orders.queue.oldest_message.age",
            MeasureAges,
            "s",
            "How long the oldest message of a queue has waited, as far as this process knows.");
    }

    /// <summary>Whether anybody listens. Nobody need count otherwise.</summary>
    public bool IsObserved => _messages.Enabled;

    /// <summary>Notes what is in the queues: in these and, as far as is known, in no others.</summary>
    public void SetCounts(IReadOnlyList<QueueCounts> counts) => _counts = counts;

    /// <summary>Notes since when the oldest message of a queue has waited; <c>null</c> where none does.</summary>
    public void SetOldest(string queue, DateTimeOffset? since) => _oldest[queue] = since;

    /// <summary>Notes that a consumer of this process has a message in hand, until the result is disposed of.</summary>
    /// <param name="queue">The queue that it came from.</param>
    /// <param name="sentAt">When it was sent for the first time.</param>
    public IDisposable Hold(string queue, DateTimeOffset sentAt)
    {
        var held = new Held(this, queue);
        _inHand[held] = sentAt;
        return held;
    }

    private IEnumerable<Measurement<double>> MeasureAges()
    {
        var now = _clock.GetUtcNow();
        return _oldest.Select(queue => (Queue: queue.Key, Since: queue.Value ?? now))
            .Concat(_inHand.Select(held => (held.Key.Queue, Since: held.Value)))
            .GroupBy(oldest => oldest.Queue, oldest => oldest.Since)
            // A clock elsewhere may be ahead of ours.
            .Select(queue => Of(queue.Key, Math.Max(0, (now - queue.Min()).TotalSeconds)));
    }

    private static Measurement<T> Of<T>(string queue, T value)
        where T : struct => new(value, new KeyValuePair<string, object?>("messaging.destination.name", queue));

    private sealed class Held(BacklogMetrics backlog, string queue) : IDisposable
    {
        public string Queue { get; } = queue;

        public void Dispose() => backlog._inHand.TryRemove(this, out _);
    }
}

/// <summary>What is in a queue.</summary>
/// <param name="Queue">The queue's name.</param>
/// <param name="Messages">How many messages.</param>
/// <param name="Consumers">How many consumers it has; <c>null</c> where that is not known.</param>
public sealed record QueueCounts(string Queue, long Messages, long? Consumers);
