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
    public sealed record Counts(long Error, long Parked) : FaultNews;

    /// <summary>A look at a queue found other messages than the one before.</summary>
    public sealed record Look(FaultQueue Queue, DateTimeOffset At) : FaultNews;
}

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
