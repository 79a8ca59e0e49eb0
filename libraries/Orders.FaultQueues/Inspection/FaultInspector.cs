using System.Collections.Concurrent;
using Orders.FaultQueues.Live;
using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues.Inspection;

/// <summary>
/// Tells what is in the queues of faults, and leaves them as they are. What the last look can tell does not wait for a queue
/// that somebody works on; a text or a whole message has to be read from the queue.
/// </summary>
public sealed class FaultInspector(FaultEndpoints endpoints, FaultLooks looks, FaultReading reading, IFaultRights rights, TimeProvider clock)
{
    /// <summary>How long the overview takes a look for new: many may ask at once, and again with all news.</summary>
    private static readonly TimeSpan Trust = TimeSpan.FromSeconds(1);

    /// <summary>How long, while the count stays the same.</summary>
    private static readonly TimeSpan TrustUnchanged = TimeSpan.FromSeconds(3);

    /// <summary>How long the overview waits for a new look where there is an older one, or none yet.</summary>
    private static readonly TimeSpan OverviewPatience = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a list waits for a new look where there is an older one.</summary>
    private static readonly TimeSpan ListPatience = TimeSpan.FromSeconds(2);

    /// <summary>How long an empty queue that nobody replays from by itself counts as empty, among all of them: it hardly ever is not.</summary>
    private static readonly TimeSpan TrustEmpty = TimeSpan.FromSeconds(10);

    public const int LongestPage = 500;

    private readonly ConcurrentDictionary<FaultQueue, DateTimeOffset> _foundEmpty = new();

    /// <exception cref="MissingRightException">The queue may not be read.</exception>
    public Task<long> CountAsync(FaultQueue queue, CancellationToken cancellationToken) => looks.CountAsync(queue, cancellationToken);

    /// <summary>How many messages every queue of every endpoint holds now; 0 where it may not be read.</summary>
    public async Task<FaultNews.Counts> CountAllAsync(CancellationToken cancellationToken) => new(await Task.WhenAll(endpoints.All.Select(
        async endpoint => new EndpointCounts(
            endpoint.Queue, await CountSeldomAsync(endpoint.Error, cancellationToken), await CountSeldomAsync(endpoint.Parked, cancellationToken)))));

    /// <summary>How many messages there are in each queue, of what groups, and which rights are missing for it. Waits for nobody.</summary>
    public Task<QueueOverview[]> GetOverviewsAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(endpoints.Queues.Select(queue => GetOverviewAsync(queue, cancellationToken)));

    /// <summary>A page of the faults that a filter takes, oldest first.</summary>
    /// <param name="queue">Where to look.</param>
    /// <param name="filter">Which of them.</param>
    /// <param name="skip">How many to pass over.</param>
    /// <param name="take">How many to return, at most <see cref="LongestPage"/>.</param>
    /// <param name="cancellationToken">Ends the look.</param>
    public async Task<FaultPage> ListAsync(FaultQueue queue, FaultFilter filter, int skip, int take, CancellationToken cancellationToken)
    {
        take = Math.Clamp(take, 1, LongestPage);
        var lines = filter.IsEmpty ? (int?)Math.Min((long)skip + take, int.MaxValue) : null;
        bool CanTell(FaultLook look) => look.IsWhole || lines <= look.Items.Count;
        if (await LookAsync(queue, filter, CanTell, ListPatience, lines, cancellationToken) is { } look)
        {
            var matching = filter.IsEmpty ? look.Items : [.. look.Items.Where(fault => FaultReading.Matches(filter, fault))];
            return new FaultPage(look.Count, filter.IsEmpty ? look.Count : matching.Count, [.. matching.Skip(skip).Take(take)], look.At);
        }

        var (at, items, matched, count) = (clock.GetUtcNow(), new List<Fault>(), 0L, 0L);
        await foreach (var (fault, _) in ReadAsync(queue, filter, found => count = found, cancellationToken))
        {
            if (matched++ >= skip && items.Count < take)
            {
                items.Add(fault);
            }
        }

        return new FaultPage(count, matched, items, at);
    }

    /// <summary>The groups of the faults that a filter takes, the largest first, and when the queue was looked at.</summary>
    public async Task<(DateTimeOffset LookedAt, IReadOnlyList<FaultGroup> Groups)> GroupAsync(
        FaultQueue queue, FaultFilter filter, CancellationToken cancellationToken)
    {
        if (await LookAsync(queue, filter, look => look.IsWhole || filter.IsEmpty, ListPatience, lines: null, cancellationToken) is { } look)
        {
            return (look.At, filter.IsEmpty ? look.Groups : FaultGroups.Of(look.Items.Where(fault => FaultReading.Matches(filter, fault))));
        }

        var (at, groups) = (clock.GetUtcNow(), new FaultGroups());
        await foreach (var (fault, _) in ReadAsync(queue, filter, cancellationToken))
        {
            groups.Add(fault);
        }

        return (at, groups.ToList());
    }

    /// <summary>Everything about one fault; <c>null</c> where it is not, or no longer, in the queue.</summary>
    /// <exception cref="FaultQueueBusyException">Somebody else has had the queue all the time.</exception>
    public async Task<FaultDetails?> FindAsync(FaultQueue queue, string id, CancellationToken cancellationToken)
    {
        await foreach (var (_, message) in ReadAsync(queue, new FaultFilter { Ids = [id] }, cancellationToken))
        {
            return reading.ReadAll(queue, message);
        }

        return null;
    }

    /// <summary>The ids of the faults that a filter takes, oldest first: for an act, which waits for the queue like others.</summary>
    public async Task<IReadOnlyList<string>> MatchAsync(FaultQueue queue, FaultFilter filter, CancellationToken cancellationToken)
    {
        if (await LookAsync(queue, filter, look => look.IsWhole, FaultTurn.Patience, lines: null, cancellationToken) is { } look)
        {
            return [.. look.Items.Where(fault => FaultReading.Matches(filter, fault)).Select(fault => fault.Id)];
        }

        var ids = new List<string>();
        await foreach (var (fault, _) in ReadAsync(queue, filter, cancellationToken))
        {
            ids.Add(fault.Id);
        }

        return ids;
    }

    private async Task<long> CountSeldomAsync(FaultQueue queue, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        if (!queue.Endpoint.IsReplayed && _foundEmpty.TryGetValue(queue, out var at) && now - at < TrustEmpty)
        {
            return 0;
        }

        long count;
        try
        {
            count = await CountAsync(queue, cancellationToken);
        }
        catch (MissingRightException)
        {
            // The overview says so.
            count = 0;
        }

        if (count == 0)
        {
            _foundEmpty[queue] = now;
        }

        return count;
    }

    /// <returns>A look that can tell what is asked for, or <c>null</c> where the queue itself must be read.</returns>
    private async Task<FaultLook?> LookAsync(
        FaultQueue queue, FaultFilter filter, Func<FaultLook, bool> canTell, TimeSpan patience, int? lines, CancellationToken cancellationToken)
    {
        // Where the last look could not tell, a new one most likely cannot either: the queue is not read twice.
        if (filter.Text is not null || (looks.GetLast(queue) is { } last && !canTell(last)))
        {
            return null;
        }

        var look = await looks.LookAsync(queue, patience, lines, cancellationToken);
        return canTell(look) ? look : null;
    }

    /// <remarks>What is wrong with one queue must not keep people from the others.</remarks>
    private async Task<QueueOverview> GetOverviewAsync(FaultQueue queue, CancellationToken cancellationToken)
    {
        var missing = await rights.FindMissingAsync(queue, cancellationToken);
        try
        {
            if (missing.For(FaultNeed.Look).Count == 0)
            {
                return await GetOverviewAsync(queue, missing, cancellationToken);
            }
        }
        catch (MissingRightException)
        {
            missing = await rights.FindMissingAsync(queue, cancellationToken);
        }

        return new QueueOverview(queue.Endpoint.Queue, queue.Kind, 0, [], null, missing);
    }

    private async Task<QueueOverview> GetOverviewAsync(FaultQueue queue, IReadOnlyList<MissingRight> missing, CancellationToken cancellationToken)
    {
        var count = await CountAsync(queue, cancellationToken);
        var trust = looks.GetLast(queue)?.Count == count ? TrustUnchanged : Trust;
        return count == 0 ? Overview(0, [], clock.GetUtcNow())
            : await looks.TryLookAsync(queue, trust, OverviewPatience, cancellationToken) is { } look ? Overview(look.Count, look.Groups, look.At)
            : Overview(count, [], null);

        QueueOverview Overview(long messages, IReadOnlyList<FaultGroup> groups, DateTimeOffset? at) =>
            new(queue.Endpoint.Queue, queue.Kind, messages, groups, at, missing.Count == 0 ? null : missing);
    }

    private IAsyncEnumerable<(Fault Fault, FaultMessage Message)> ReadAsync(
        FaultQueue queue, FaultFilter filter, CancellationToken cancellationToken) => ReadAsync(queue, filter, _ => { }, cancellationToken);

    private IAsyncEnumerable<(Fault Fault, FaultMessage Message)> ReadAsync(
        FaultQueue queue, FaultFilter filter, Action<long> tellCount, CancellationToken cancellationToken) =>
        looks.ReadAsync(queue, tellCount, cancellationToken).Where(read => FaultReading.Matches(filter, read.Fault, read.Message));
}
