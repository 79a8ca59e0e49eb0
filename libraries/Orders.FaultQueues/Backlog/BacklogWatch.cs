using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Queues;
using Orders.Messaging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Orders.FaultQueues.Backlog;

/// <summary>
/// Counts what is in our queues every quarter of a minute, as long as anybody listens to <see cref="BacklogMetrics"/>.
/// </summary>
/// <remarks>
/// How old the oldest message is it can only tell of some queues. For the queues that consumers work on, those tell, see
/// <see cref="MessageInHandFilter"/>; where there is no consumer, at least since when messages have waited for one is
/// known here. The redeliver job reads the error queue in any case, and tells. The first message of parking is looked at,
/// seldom. From a delay queue every message is gone when its time is up, so there is nothing to tell.
/// </remarks>
internal sealed partial class BacklogWatch(
    BacklogMetrics backlog,
    OurQueues queues,
    FaultEndpoints endpoints,
    FaultInspector inspector,
    TimeProvider clock,
    ILogger<BacklogWatch> logger,
    RabbitMqConnection? broker = null) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(15);

    /// <summary>How long one look may take.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>The least time from one look into parking to the next, and from one question for a queue that was not there to the next.</summary>
    private static readonly TimeSpan Seldom = TimeSpan.FromMinutes(1);

    /// <summary>After this time the oldest parked message is looked up again in any case.</summary>
    private static readonly TimeSpan LongestTrust = TimeSpan.FromMinutes(10);

    private readonly Dictionary<string, DateTimeOffset> _missing = [];
    private readonly Dictionary<string, DateTimeOffset> _unattendedSince = [];
    private readonly Dictionary<FaultEndpoint, Parked> _parked = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        do
        {
            if (backlog.IsObserved)
            {
                await LookAsync(stoppingToken);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>Looks once. What cannot be found out is left out: better nothing than what was true once.</summary>
    internal async Task LookAsync(CancellationToken cancellationToken)
    {
        backlog.SetCounts(await TryAsync(CountAsync, cancellationToken) ?? []);
        foreach (var endpoint in endpoints.All)
        {
            await TryAsync(cancelled => FindOldestParkedAsync(endpoint, cancelled), cancellationToken);
        }
    }

    private async Task<T?> TryAsync<T>(Func<CancellationToken, Task<T>> lookAsync, CancellationToken cancellationToken)
        where T : class
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Patience);
        try
        {
            return await lookAsync(timeout.Token);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            Log.NotSeen(logger, exception);
            return null;
        }
    }

    private async Task<List<QueueCounts>> CountAsync(CancellationToken cancellationToken)
    {
        var counts = new List<QueueCounts>();
        foreach (var queue in endpoints.Queues)
        {
            try
            {
                counts.Add(new QueueCounts(queue.Name, await inspector.CountAsync(queue, cancellationToken), Consumers: null));
            }
            catch (MissingRightException)
            {
                // The overview says so.
            }
        }

        if (broker is not null)
        {
            await CountOnBrokerAsync(await broker.GetAsync(cancellationToken), counts, cancellationToken);
        }

        return counts;
    }

    private async Task CountOnBrokerAsync(IConnection connection, List<QueueCounts> counts, CancellationToken cancellationToken)
    {
        IChannel? channel = null;
        try
        {
            foreach (var queue in queues.Worked.Concat(queues.Delays).Where(IsWorthAsking))
            {
                channel ??= await connection.CreateChannelAsync(cancellationToken: cancellationToken);
                try
                {
                    // Passive: asks for no right to configure, and changes nothing.
                    var found = await channel.QueueDeclarePassiveAsync(queue, cancellationToken);
                    _missing.Remove(queue);
                    counts.Add(new QueueCounts(queue, found.MessageCount, found.ConsumerCount));
                    NoteUnattended(queue, found);
                }
                catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode is Constants.NotFound or Constants.AccessRefused)
                {
                    // Made when it is first needed, most likely; or another program's, and none of ours. The broker has closed the channel over it.
                    _missing[queue] = clock.GetUtcNow();
                    await channel.DisposeAsync();
                    channel = null;
                }
            }
        }
        finally
        {
            if (channel is not null)
            {
                await channel.DisposeAsync();
            }
        }
    }

    private bool IsWorthAsking(string queue) => !_missing.TryGetValue(queue, out var asked) || clock.GetUtcNow() - asked >= Seldom;

    /// <summary>Messages that nobody takes have waited for as long as that has been so.</summary>
    private void NoteUnattended(string queue, QueueDeclareOk found)
    {
        if (queues.Delays.Contains(queue))
        {
            return;
        }

        if (found is { MessageCount: > 0, ConsumerCount: 0 })
        {
            _unattendedSince.TryAdd(queue, clock.GetUtcNow());
            backlog.SetOldest(queue, _unattendedSince[queue]);
        }
        else
        {
            _unattendedSince.Remove(queue);
            backlog.SetOldest(queue, null);
        }
    }

    /// <remarks>
    /// What is parked comes after all that is parked already: the oldest one stays the same until something is taken out.
    /// </remarks>
    private async Task<Parked> FindOldestParkedAsync(FaultEndpoint endpoint, CancellationToken cancellationToken)
    {
        var count = await inspector.CountAsync(endpoint.Parked, cancellationToken);
        if (count == 0)
        {
            backlog.SetOldest(endpoint.ParkingQueue, null);
            return _parked[endpoint] = Parked.Unknown;
        }

        var before = _parked.GetValueOrDefault(endpoint, Parked.Unknown);
        var parked = before with { Count = count, HasLost = before.HasLost || count < before.Count };
        var now = clock.GetUtcNow();
        if (now >= parked.ReadAt + LongestTrust || (parked.HasLost && now >= parked.ReadAt + Seldom))
        {
            var page = await inspector.ListAsync(endpoint.Parked, new FaultFilter(), skip: 0, take: 1, cancellationToken);
            backlog.SetOldest(endpoint.ParkingQueue, page.Items is [var oldest] ? oldest.ParkedAt : null);
            parked = new Parked(count, now, HasLost: false);
        }

        return _parked[endpoint] = parked;
    }

    /// <summary>What the last looks found in parking.</summary>
    /// <param name="Count">How many messages.</param>
    /// <param name="ReadAt">When the oldest of them was read.</param>
    /// <param name="HasLost">Whether something was taken out since.</param>
    private sealed record Parked(long Count, DateTimeOffset ReadAt, bool HasLost)
    {
        public static readonly Parked Unknown = new(0, DateTimeOffset.MinValue, false);
    }

    private static partial class Log
    {
        // The broker's absence is told by those who need it.
        [LoggerMessage(EventId = 50, Level = LogLevel.Debug, Message = "Could not look at the queues")]
        public static partial void NotSeen(ILogger logger, Exception exception);
    }
}
