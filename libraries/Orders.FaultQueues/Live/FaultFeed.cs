using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues.Live;

/// <summary>Something that people who look at the faults should see at once.</summary>
public abstract record FaultNews
{
    private protected FaultNews()
    {
    }

    /// <summary>How many messages wait in each queue; told at the beginning and when it changes.</summary>
    /// <param name="Endpoints">The endpoints, in the order of their registration.</param>
    public sealed record Counts(IReadOnlyList<EndpointCounts> Endpoints) : FaultNews
    {
        /// <summary>How many messages wait in all error queues together.</summary>
        public long Error => Endpoints.Sum(endpoint => endpoint.Error);

        /// <summary>How many messages are parked in all.</summary>
        public long Parked => Endpoints.Sum(endpoint => endpoint.Parked);

        /// <inheritdoc/>
        public bool Equals(Counts? other) => other is not null && Endpoints.SequenceEqual(other.Endpoints);

        /// <inheritdoc/>
        public override int GetHashCode() => HashCode.Combine(Error, Parked);
    }

    /// <summary>A look at a queue found other messages than the one before.</summary>
    /// <param name="Endpoint">Whose queue it is, by the name of the endpoint's queue.</param>
    /// <param name="Queue">The queue.</param>
    /// <param name="At">When the look began.</param>
    public sealed record Look(string Endpoint, FaultQueueKind Queue, DateTimeOffset At) : FaultNews;
}

/// <summary>How many messages wait in the queues of an endpoint.</summary>
/// <param name="Endpoint">The endpoint, by the name of its queue.</param>
/// <param name="Error">In its error queue.</param>
/// <param name="Parked">In its parking.</param>
public sealed record EndpointCounts(string Endpoint, long Error, long Parked);

/// <summary>Hands news to everybody who listens.</summary>
public sealed class FaultFeed
{
    private readonly ConcurrentDictionary<Channel<FaultNews>, bool> _listeners = new();
    private FaultNews.Counts? _counts;

    /// <summary>Whether anybody listens.</summary>
    public bool HasListeners => !_listeners.IsEmpty;

    /// <summary>Tells everybody. What has not changed is not told again.</summary>
    public void Tell(FaultNews news)
    {
        if (news is FaultNews.Counts counts && Interlocked.Exchange(ref _counts, counts) == counts)
        {
            return;
        }

        foreach (var listener in _listeners.Keys)
        {
            listener.Writer.TryWrite(news);
        }
    }

    /// <summary>Listens until cancelled. Who is slow misses the oldest news.</summary>
    public async IAsyncEnumerable<FaultNews> ListenAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var channel = Channel.CreateBounded<FaultNews>(new BoundedChannelOptions(100) { FullMode = BoundedChannelFullMode.DropOldest });
        _listeners[channel] = true;
        try
        {
            if (_counts is { } counts)
            {
                yield return counts;
            }

            await foreach (var news in channel.Reader.ReadAllAsync(cancellationToken))
            {
                yield return news;
            }
        }
        finally
        {
            _listeners.TryRemove(channel, out _);
        }
    }
}
