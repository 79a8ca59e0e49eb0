using Notifications.Worker.Faults.Queues;

namespace Notifications.Worker.Faults.Inspection;

/// <summary>Looks at the queues of faults, and leaves them as they are.</summary>
public sealed class FaultInspector(IFaultTransport transport, FaultReading reading, TimeProvider clock)
{
    /// <summary>How long the groups of a queue are taken for known: many may ask at once, and again with all news.</summary>
    private static readonly TimeSpan Trust = TimeSpan.FromSeconds(1);

    /// <summary>How long, while the count stays the same.</summary>
    private static readonly TimeSpan TrustUnchanged = TimeSpan.FromSeconds(3);

    private readonly Dictionary<FaultQueue, (QueueOverview Overview, DateTimeOffset At)> _known = [];

    public const int LongestPage = 500;

    public Task<long> CountAsync(FaultQueue queue, CancellationToken cancellationToken) =>
        transport.CountAsync(queue.QueueName(), cancellationToken);

    /// <summary>How many messages there are, and of what groups.</summary>
    public async Task<QueueOverview> GetOverviewAsync(FaultQueue queue, CancellationToken cancellationToken)
    {
        var count = await CountAsync(queue, cancellationToken);
        lock (_known)
        {
            if (_known.TryGetValue(queue, out var known) && clock.GetUtcNow() - known.At < (known.Overview.Count == count ? TrustUnchanged : Trust))
            {
                return known.Overview;
            }
        }

        var groups = count == 0 ? [] : await GroupAsync(queue, new FaultFilter(), cancellationToken);
        var overview = new QueueOverview(queue, groups.Sum(group => (long)group.Count), groups);
        lock (_known)
        {
            _known[queue] = (overview, clock.GetUtcNow());
        }

        return overview;
    }

    /// <summary>A page of the faults that a filter takes, oldest first.</summary>
    /// <param name="queue">Where to look.</param>
    /// <param name="filter">Which of them. Without one, no more is read than what the page and those before it take.</param>
    /// <param name="skip">How many to pass over.</param>
    /// <param name="take">How many to return, at most <see cref="LongestPage"/>.</param>
    /// <param name="cancellationToken">Ends the look.</param>
    public async Task<FaultPage> ListAsync(FaultQueue queue, FaultFilter filter, int skip, int take, CancellationToken cancellationToken)
    {
        take = Math.Clamp(take, 1, LongestPage);
        await using var session = await transport.OpenAsync(queue.QueueName(), cancellationToken);
        if (session is null)
        {
            return new FaultPage(0, 0, []);
        }

        var items = new List<Fault>();
        var matched = 0L;
        await foreach (var (fault, _) in ReadAsync(session, queue, filter, cancellationToken))
        {
            if (matched++ >= skip && items.Count < take)
            {
                items.Add(fault);
            }

            if (filter.IsEmpty && matched >= (long)skip + take)
            {
                break;
            }
        }

        return new FaultPage(session.Count, filter.IsEmpty ? session.Count : matched, items);
    }

    /// <summary>The groups of the faults that a filter takes, the largest first.</summary>
    public async Task<IReadOnlyList<FaultGroup>> GroupAsync(FaultQueue queue, FaultFilter filter, CancellationToken cancellationToken)
    {
        await using var session = await transport.OpenAsync(queue.QueueName(), cancellationToken);
        if (session is null)
        {
            return [];
        }

        var groups = new Dictionary<string, FaultGroup>();
        await foreach (var (fault, _) in ReadAsync(session, queue, filter, cancellationToken))
        {
            groups[fault.Group] = groups.TryGetValue(fault.Group, out var group)
                ? Add(group, fault)
                : new FaultGroup(fault.Group, fault.ExceptionType, fault.Frame, fault.Error, fault.Kind, 1, fault.FailedAt, fault.FailedAt);
        }

        return [.. groups.Values.OrderByDescending(group => group.Count).ThenByDescending(group => group.Last)];
    }

    /// <summary>Everything about one fault; <c>null</c> where it is not, or no longer, in the queue.</summary>
    public async Task<FaultDetails?> FindAsync(FaultQueue queue, string id, CancellationToken cancellationToken)
    {
        await using var session = await transport.OpenAsync(queue.QueueName(), cancellationToken);
        if (session is not null)
        {
            await foreach (var (_, message) in ReadAsync(session, queue, new FaultFilter { Ids = [id] }, cancellationToken))
            {
                return reading.ReadAll(queue, message);
            }
        }

        return null;
    }

    /// <summary>The ids of the faults that a filter takes, oldest first.</summary>
    public async Task<IReadOnlyList<string>> MatchAsync(FaultQueue queue, FaultFilter filter, CancellationToken cancellationToken)
    {
        await using var session = await transport.OpenAsync(queue.QueueName(), cancellationToken);
        var ids = new List<string>();
        if (session is not null)
        {
            await foreach (var (fault, _) in ReadAsync(session, queue, filter, cancellationToken))
            {
                ids.Add(fault.Id);
            }
        }

        return ids;
    }

    private async IAsyncEnumerable<(Fault Fault, FaultMessage Message)> ReadAsync(
        IFaultSession session, FaultQueue queue, FaultFilter filter, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var held in session.ReadAsync(cancellationToken))
        {
            var fault = reading.Read(queue, held.Message);
            if (FaultReading.Matches(filter, fault, held.Message))
            {
                yield return (fault, held.Message);
            }
        }
    }

    private static FaultGroup Add(FaultGroup group, Fault fault)
    {
        var isNewest = fault.FailedAt >= group.Last || group.Last is null;
        return group with
        {
            Count = group.Count + 1,
            First = fault.FailedAt < group.First ? fault.FailedAt : group.First ?? fault.FailedAt,
            Last = isNewest ? fault.FailedAt ?? group.Last : group.Last,
            Error = isNewest ? fault.Error : group.Error,
            Kind = isNewest ? fault.Kind : group.Kind,
        };
    }
}
