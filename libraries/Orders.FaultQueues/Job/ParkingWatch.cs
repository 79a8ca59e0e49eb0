using MassTransit;
using Microsoft.Extensions.Options;
using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Policy;
using Orders.FaultQueues.Queues;
using Orders.Messaging;

namespace Orders.FaultQueues.Job;

/// <summary>
/// Finds messages in the parking of an endpoint that the broker put there by itself, by a delivery limit that somebody set or because a worker
/// could only reject them. Writes the reason on them, and tells everybody, where nobody has.
/// </summary>
internal sealed partial class ParkingWatch(
    FaultEndpoint endpoint,
    FaultLooks looks,
    FaultMover mover,
    IFaultRights rights,
    IAuditTrail audit,
    IBusControl bus,
    IOptions<ReplayOptions> options,
    TimeProvider clock,
    ILogger<ParkingWatch> logger)
{
    /// <summary>The queue is read again after this time even if its count says that nothing has come in: as many may have gone.</summary>
    private static readonly TimeSpan LongestTrust = TimeSpan.FromMinutes(10);

    private static readonly OnBehalf Job = new(AuditEntry.RedeliverJob);

    /// <summary>What everybody has been told of, though nothing has been written on it yet, by <see cref="FaultReading.IdOf"/>.</summary>
    private readonly HashSet<string> _told = [];

    /// <summary>What has been seen once: what a worker put on record is known here a moment later.</summary>
    private HashSet<string> _seen = [];

    private long _expected;
    private DateTimeOffset _readAgainAt;

    /// <summary>Makes its passes until cancelled.</summary>
    public Task RunAsync(CancellationToken stoppingToken) =>
        FaultPasses.RunAsync(bus, options.Value.Period, clock, RunOnceAsync, Forget, stoppingToken);

    private void Forget(string error)
    {
        _expected = 0;
        Log.PassFailed(logger, endpoint.ParkingQueue, error);
    }

    /// <remarks>A queue in which there is no more than was put there through <see cref="FaultMover"/> is not read.</remarks>
    private async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        // The job says what is missing.
        if ((await rights.FindMissingAsync(endpoint.Parked, cancellationToken)).For(FaultNeed.Look, FaultNeed.Discard).Count > 0
            || (await rights.FindMissingAsync(endpoint.Error, cancellationToken)).For(FaultNeed.Park).Count > 0)
        {
            return;
        }

        var moved = mover.TakeParked(endpoint);
        var count = await looks.CountAsync(endpoint.Parked, cancellationToken);
        if (count <= _expected + moved && (count == 0 || clock.GetUtcNow() < _readAgainAt))
        {
            _expected = count;
            return;
        }

        var readAgainAt = clock.GetUtcNow() + LongestTrust;
        if (await LookAsync(cancellationToken) && _seen.Count == 0)
        {
            (_expected, _readAgainAt) = (count, readAgainAt);
        }
        else
        {
            _expected = 0;
        }
    }

    /// <returns>Whether the queue was read to its end. Others may want it, so that what takes long goes on in the next pass.</returns>
    private async Task<bool> LookAsync(CancellationToken cancellationToken)
    {
        var time = new FaultTurnTime(clock, looks.DurationOf(endpoint.Parked));
        var seenBefore = _seen;
        _seen = [];
        await using var session = await looks.OpenAsync(endpoint.Parked, cancellationToken);
        if (session is null)
        {
            return true;
        }

        await foreach (var held in session.ReadAsync(cancellationToken))
        {
            if (held.Message.Text(FaultHeaders.ParkedReason) is not null)
            {
                continue;
            }

            var id = FaultReading.IdOf(held.Message);
            if (_told.Contains(id))
            {
                continue;
            }

            if (!seenBefore.Contains(id))
            {
                _seen.Add(id);
            }
            else if (time.IsLeft())
            {
                await time.SpendAsync(() => AnnounceAsync(session, held, id, cancellationToken));
            }
            else
            {
                _seen.UnionWith(seenBefore);
                return false;
            }
        }

        return true;
    }

    private async Task AnnounceAsync(IFaultSession session, HeldFault held, string id, CancellationToken cancellationToken)
    {
        // On a message that nothing can be written on, the worker has left its reason on record.
        var subject = endpoint.SubjectOf(held.Message);
        var said = (await audit.ReadAsync(new AuditQuery(Subject: subject, Who: AuditEntry.Worker, Take: int.MaxValue, Endpoint: endpoint.Queue), cancellationToken))
            .FirstOrDefault(entry => entry.FaultId == id)?.Reason;
        var reason = said ?? $"The broker parked it ({held.Message.Text("x-first-death-reason") ?? "no reason given"}).";
        if (said is null)
        {
            await mover.PublishParkedAsync(endpoint, held, reason, Job, cancellationToken);
        }

        // A crash in between tells people twice, never not at all.
        _told.Add(id);
        try
        {
            await mover.WriteReasonAsync(session, endpoint, held, reason, cancellationToken);
            _told.Remove(id);
        }
        catch (RepublishRefusedException refused) when (refused.LeavesMessage(endpoint))
        {
            Log.NotWritten(logger, subject, refused.Message);
        }

        Log.Found(logger, subject, endpoint.ParkingQueue, reason);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 204, Level = LogLevel.Critical, Message = "The message about {Subject} is parked in {Queue} and waits for a person. {Reason}")]
        public static partial void Found(ILogger logger, string? subject, string queue, string reason);

        [LoggerMessage(EventId = 206, Level = LogLevel.Warning, Message = "The reason cannot be written on the parked message about {Subject}. {Refusal}")]
        public static partial void NotWritten(ILogger logger, string? subject, string refusal);

        [LoggerMessage(EventId = 205, Level = LogLevel.Warning, Message = "Could not look at {Queue}: {Error}")]
        public static partial void PassFailed(ILogger logger, string queue, string error);
    }
}
