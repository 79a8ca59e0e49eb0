using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Orders.FaultQueues.Live;
using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues.Inspection;

/// <summary>
/// Remembers what the last look at each queue found. Whoever opens a queue through here, for whatever purpose, refreshes that:
/// so lists, counts and groups need not wait for a queue that somebody is working on.
/// </summary>
/// <param name="transport">The queues.</param>
/// <param name="reading">Reads what is in them.</param>
/// <param name="feed">Is told of a look that found something new.</param>
/// <param name="clock">The clock.</param>
/// <param name="mostLines">How many lines are kept of all queues together.</param>
public sealed class FaultLooks(IFaultTransport transport, FaultReading reading, FaultFeed feed, TimeProvider clock, int mostLines = FaultLook.MostLines) : IAsyncDisposable
{
    /// <summary>A look of a long queue stays good for several times as long as it took, so that others have the queue most of the time.</summary>
    private const int Rest = 5;

    /// <summary>A queue with more messages is long.</summary>
    private const int Short = 1_000;

    /// <summary>How long a list waits for the first look at a queue before the beginning of it will do.</summary>
    private static readonly TimeSpan BeginningPatience = TimeSpan.FromMilliseconds(500);

    private readonly FaultReading _reading = reading;
    private readonly TimeProvider _clock = clock;
    private readonly ConcurrentDictionary<FaultQueue, Known> _known = new();
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>How many messages a queue holds now.</summary>
    public Task<long> CountAsync(FaultQueue queue, CancellationToken cancellationToken) =>
        transport.CountAsync(queue.Name, cancellationToken);

    /// <summary>Opens a queue, as <see cref="IFaultTransport.OpenAsync"/> does.</summary>
    public async Task<IFaultSession?> OpenAsync(FaultQueue queue, CancellationToken cancellationToken) =>
        await OpenSessionAsync(queue, cancellationToken);

    /// <summary>Reads the messages of a queue with their lines, oldest first; none where the queue does not exist yet.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="tellCount">Is told first how many messages there are.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="FaultQueueBusyException">Somebody else has had the queue all the time.</exception>
    public async IAsyncEnumerable<(Fault Fault, FaultMessage Message)> ReadAsync(
        FaultQueue queue, Action<long> tellCount, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var session = await OpenSessionAsync(queue, cancellationToken);
        if (session is null)
        {
            yield break;
        }

        tellCount(session.Count);
        await foreach (var (fault, held) in session.ReadLinesAsync(cancellationToken))
        {
            yield return (fault, held.Message);
        }
    }

    /// <summary>How long the last look took by which nothing was moved; zero where there was none yet.</summary>
    internal TimeSpan DurationOf(FaultQueue queue) => KnownOf(queue).Seen?.Took ?? TimeSpan.Zero;

    /// <summary>What the last look found; <c>null</c> where there was none yet.</summary>
    public FaultLook? GetLast(FaultQueue queue) => KnownOf(queue).Seen?.Look;

    /// <summary>
    /// A new look where it is there in time, else the last one; <c>null</c> where there is none. The new one goes on all the same.
    /// </summary>
    /// <param name="queue">The queue.</param>
    /// <param name="trust">How long the last look counts as new, at least.</param>
    /// <param name="patience">How long to wait for a new look.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<FaultLook?> TryLookAsync(FaultQueue queue, TimeSpan trust, TimeSpan patience, CancellationToken cancellationToken)
    {
        var known = KnownOf(queue);
        if (IsNew(known.Seen, trust))
        {
            return known.Seen!.Look;
        }

        var look = Begin(queue);
        try
        {
            await look.WaitAsync(patience, cancellationToken);
        }
        catch (TimeoutException) when (!look.IsFaulted)
        {
            // Long, or somebody has the queue.
        }
        catch (FaultQueueBusyException)
        {
        }

        return known.Seen?.Look;
    }

    /// <summary>A new look where it is there in time, else the last one; where there is none, a new one however long it takes.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="patience">How long to wait for a new look.</param>
    /// <param name="lines">
    /// How many of the oldest messages are asked for: where there is no look yet, these alone will do. <c>null</c> where all are.
    /// </param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="FaultQueueBusyException">There is none, and somebody else has had the queue all the time.</exception>
    public async Task<FaultLook> LookAsync(FaultQueue queue, TimeSpan patience, int? lines, CancellationToken cancellationToken)
    {
        var look = lines is { } oldest && GetLast(queue) is null
            ? await TryBeginningAsync(queue, oldest, cancellationToken)
            : await TryLookAsync(queue, TimeSpan.Zero, patience, cancellationToken);
        if (look is not null)
        {
            return look;
        }

        await Begin(queue).WaitAsync(cancellationToken);
        // A look that somebody took messages away from is not remembered.
        return GetLast(queue) ?? throw new FaultQueueBusyException(queue.Name);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        foreach (var known in _known.Values)
        {
            if (known.Looking is { } looking)
            {
                await looking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        _stopping.Dispose();
    }

    /// <summary>The first look at a queue, or the beginning of it where it takes long.</summary>
    private async Task<FaultLook?> TryBeginningAsync(FaultQueue queue, int lines, CancellationToken cancellationToken)
    {
        var known = KnownOf(queue);
        var look = Begin(queue);
        while (true)
        {
            try
            {
                await look.WaitAsync(BeginningPatience, cancellationToken);
                return known.Seen?.Look;
            }
            catch (TimeoutException) when (!look.IsCompleted)
            {
                if ((known.Seen?.Look ?? known.Reading?.Begin(lines)) is { } beginning)
                {
                    return beginning;
                }
            }
        }
    }

    /// <summary>Begins a look, unless one is under way.</summary>
    private Task Begin(FaultQueue queue)
    {
        var known = KnownOf(queue);
        lock (known)
        {
            return known.Looking is { IsCompleted: false } looking ? looking : known.Looking = Task.Run(() => ReadAsync(queue, _stopping.Token));
        }
    }

    private async Task<Session?> OpenSessionAsync(FaultQueue queue, CancellationToken cancellationToken)
    {
        if (await transport.OpenAsync(queue.Name, cancellationToken) is { } opened)
        {
            return KnownOf(queue).Reading = new Session(this, queue, opened);
        }

        Remember(queue, new FaultLookBuilder(_clock.GetUtcNow(), 0, before: null).Build(), TimeSpan.Zero);
        return null;
    }

    private async Task ReadAsync(FaultQueue queue, CancellationToken cancellationToken)
    {
        var before = KnownOf(queue).Seen;
        await using var session = await OpenAsync(queue, cancellationToken);
        // What somebody else found meanwhile will do, where it took long.
        if (session is not null && (KnownOf(queue).Seen == before || !IsNew(KnownOf(queue).Seen, TimeSpan.Zero)))
        {
            await session.ReadAsync(cancellationToken).CountAsync(cancellationToken);
        }
    }

    private bool IsNew(Seen? seen, TimeSpan trust)
    {
        if (seen is null)
        {
            return false;
        }

        var rest = seen.Look.Count > Short ? seen.Took * Rest : TimeSpan.Zero;
        return _clock.GetElapsedTime(seen.Ended) < (rest > trust ? rest : trust);
    }

    private void Remember(FaultQueue queue, FaultLook look, TimeSpan took)
    {
        var known = KnownOf(queue);
        var before = known.Seen?.Look;
        known.Seen = new Seen(look, took, _clock.GetTimestamp());
        if (before is null || before.Count != look.Count || !before.Items.Select(fault => fault.Id).SequenceEqual(look.Items.Select(fault => fault.Id)))
        {
            feed.Tell(new FaultNews.Look(queue.Endpoint.Queue, queue.Kind, look.At));
        }
    }

    private Known KnownOf(FaultQueue queue) => _known.GetOrAdd(queue, _ => new Known());

    /// <summary>What is known about a queue.</summary>
    private sealed class Known
    {
        public volatile Seen? Seen;

        /// <summary>Who reads the queue, and has not moved anything.</summary>
        public volatile Session? Reading;

        public Task? Looking { get; set; }
    }

    /// <summary>The last look at a queue.</summary>
    /// <param name="Look">What it found, without what has been moved since.</param>
    /// <param name="Took">How long it took, or the last one before it that moved nothing.</param>
    /// <param name="Ended">When it ended, by the clock's timestamp.</param>
    private sealed record Seen(FaultLook Look, TimeSpan Took, long Ended);

    /// <summary>How many lines of a queue are kept, so that all queues together keep to the limit.</summary>
    private int MostLinesOf(FaultQueue queue) => Math.Max(
        FaultLook.LeastLines,
        mostLines - _known.Where(known => known.Key != queue).Sum(known => known.Value.Seen?.Look.Items.Count ?? 0));

    /// <summary>Notes what somebody reads and takes out.</summary>
    private sealed class Session(FaultLooks looks, FaultQueue queue, IFaultSession session) : IFaultSession
    {
        private readonly long _began = looks._clock.GetTimestamp();
        private readonly FaultLookBuilder _found = new(looks._clock.GetUtcNow(), looks.MostLinesOf(queue), looks.GetLast(queue));
        private readonly List<Fault> _moved = [];
        private bool _isRead;

        public long Count => session.Count;

        public bool CompletesBeforeNext => session.CompletesBeforeNext;

        /// <summary>The oldest messages; <c>null</c> where not so many have been read yet.</summary>
        public FaultLook? Begin(int lines) => _found.Begin(lines, session.Count);

        public IAsyncEnumerable<HeldFault> ReadAsync(CancellationToken cancellationToken) =>
            ReadLinesAsync(cancellationToken).Select(line => line.Held);

        public async IAsyncEnumerable<(Fault Fault, HeldFault Held)> ReadLinesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await foreach (var held in session.ReadAsync(cancellationToken))
            {
                var fault = looks._reading.Read(queue, held.Message);
                _found.Add(fault);
                yield return (fault, held);
            }

            _isRead = _found.Count == session.Count;
        }

        public Task SendAsync(HeldFault held, string queue, FaultMessage message, CancellationToken cancellationToken) =>
            session.SendAsync(held, queue, message, cancellationToken);

        public async Task CompleteAsync(HeldFault held, CancellationToken cancellationToken)
        {
            // Its beginning is no longer what it was.
            looks.KnownOf(queue).Reading = null;
            await session.CompleteAsync(held, cancellationToken);
            var fault = looks._reading.Read(queue, held.Message);
            lock (_moved)
            {
                _moved.Add(fault);
            }
        }

        public ValueTask DisposeAsync()
        {
            looks.KnownOf(queue).Reading = null;
            if (_isRead)
            {
                looks.Remember(queue, _found.Build().Without(_moved), _moved.Count == 0 ? looks._clock.GetElapsedTime(_began) : looks.DurationOf(queue));
            }
            else if (_moved.Count > 0 && looks.KnownOf(queue).Seen is { } seen)
            {
                looks.KnownOf(queue).Seen = seen with { Look = seen.Look.Without(_moved) };
            }

            return session.DisposeAsync();
        }
    }
}
