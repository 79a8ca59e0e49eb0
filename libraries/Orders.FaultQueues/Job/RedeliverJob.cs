using System.Collections.Concurrent;
using MassTransit;
using Microsoft.Extensions.Options;
using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Backlog;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Policy;
using Orders.FaultQueues.Queues;
using Orders.Messaging;

namespace Orders.FaultQueues.Job;

/// <summary>
/// Looks at the error queue of an endpoint every <see cref="ReplayOptions.Period"/>, replays what is due and parks what is
/// hopeless. A queue in which nothing has come in and nothing has become due is not read.
/// </summary>
public sealed partial class RedeliverJob(
    FaultEndpoint endpoint,
    FaultLooks looks,
    RedeliverPolicy policy,
    FaultMover mover,
    IFaultRights rights,
    BacklogMetrics backlog,
    IBusControl bus,
    IOptions<ReplayOptions> options,
    TimeProvider clock,
    ILogger<RedeliverJob> logger)
{
    /// <summary>
    /// The queue is read again after this time even if it holds no more than before: as many may have come as went.
    /// </summary>
    private static readonly TimeSpan LongestTrust = TimeSpan.FromMinutes(1);

    /// <summary>How long others may have the queue before the job takes its next turn.</summary>
    private static readonly TimeSpan BetweenTurns = TimeSpan.FromMilliseconds(100);

    /// <summary>How long a message stays untouched that the broker did not take: each try is on record.</summary>
    private static readonly TimeSpan AfterRefusal = TimeSpan.FromMinutes(10);

    /// <summary>Those messages, by <see cref="FaultReading.IdOf"/>, and when each is tried again.</summary>
    private readonly ConcurrentDictionary<string, DateTimeOffset> _refused = [];

    private Seen _seen = Seen.Nothing;
    private string _missing = "";

    /// <summary>Makes its passes until cancelled.</summary>
    public Task RunAsync(CancellationToken stoppingToken) =>
        FaultPasses.RunAsync(bus, options.Value.Period, clock, RunOnceAsync, Forget, stoppingToken);

    private void Forget(string error)
    {
        _seen = Seen.Nothing;
        Log.PassFailed(logger, endpoint.ErrorQueue, error);
    }

    private async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        if (!await MayMoveAsync(cancellationToken))
        {
            return;
        }

        var count = await looks.CountAsync(endpoint.Error, cancellationToken);
        if (count == 0)
        {
            policy.EndLook(endpoint, sawAll: false);
            backlog.SetOldest(endpoint.ErrorQueue, null);
            return;
        }

        // Fewer means that somebody took some out, and others may have come in.
        if (count == _seen.Waiting && clock.GetUtcNow() < _seen.ReadAgainAt)
        {
            return;
        }

        while (!await TakeTurnAsync(cancellationToken))
        {
            // Somebody may want to look at what is left.
            await Task.Delay(BetweenTurns, clock, cancellationToken);
        }
    }

    /// <summary>Whether everything can be done that may have to be done; says once why not.</summary>
    private async Task<bool> MayMoveAsync(CancellationToken cancellationToken)
    {
        var missing = string.Join(' ', (await rights.FindMissingAsync(endpoint.Error, cancellationToken)).For(FaultNeed.Replay, FaultNeed.Park).Select(right => right.Explanation));
        if (missing != _missing && missing.Length > 0)
        {
            Log.LeftAlone(logger, endpoint.ErrorQueue, missing);
        }

        _missing = missing;
        return missing.Length == 0;
    }

    /// <returns>Whether the queue was read to its end.</returns>
    private async Task<bool> TakeTurnAsync(CancellationToken cancellationToken)
    {
        await using var session = await looks.OpenAsync(endpoint.Error, cancellationToken);
        if (session is null)
        {
            return true;
        }

        var waiting = 0L;
        var time = new FaultTurnTime(clock, looks.DurationOf(endpoint.Error));
        DateTimeOffset? oldest = null;
        var readAgainAt = clock.GetUtcNow() + LongestTrust;
        await foreach (var due in session.ReadPortionsAsync(ChooseDue, () => FaultTurn.InFlight, cancellationToken))
        {
            if (!time.IsLeft())
            {
                return false;
            }

            await time.SpendAsync(() => Task.WhenAll(due.Select(fault => HandleAsync(session, fault.Held, fault.Verdict, cancellationToken))));
        }

        policy.EndLook(endpoint, sawAll: true);
        foreach (var (id, again) in _refused.Where(refused => refused.Value <= clock.GetUtcNow()))
        {
            _refused.TryRemove(KeyValuePair.Create(id, again));
        }

        _seen = new Seen(waiting, readAgainAt);
        backlog.SetOldest(endpoint.ErrorQueue, oldest);
        return true;

        Due? ChooseDue(HeldFault held)
        {
            var verdict = Judge(held.Message);
            if (verdict is not Verdict.Wait(var dueAt))
            {
                return new Due(held, verdict);
            }

            waiting++;
            readAgainAt = dueAt < readAgainAt ? dueAt : readAgainAt;
            oldest = oldest < held.Message.FailedAt ? oldest : held.Message.FailedAt ?? oldest;
            return null;
        }
    }

    private Verdict Judge(FaultMessage message)
    {
        var verdict = policy.Judge(endpoint, message);
        if (verdict is Verdict.Wait || _refused.IsEmpty || !_refused.TryGetValue(FaultReading.IdOf(message), out var again))
        {
            return verdict;
        }

        return again > clock.GetUtcNow() ? new Verdict.Wait(again) : verdict;
    }

    private async Task HandleAsync(IFaultSession session, HeldFault held, Verdict verdict, CancellationToken cancellationToken)
    {
        try
        {
            await MoveAsync(session, held, verdict, cancellationToken);
        }
        catch (RepublishRefusedException refused) when (refused.LeavesMessage(endpoint))
        {
            // It must not keep the others waiting.
            _refused[FaultReading.IdOf(held.Message)] = clock.GetUtcNow() + AfterRefusal;
            Log.Stays(logger, endpoint.SubjectOf(held.Message), refused.Message, AfterRefusal.TotalMinutes);
        }
    }

    private async Task MoveAsync(IFaultSession session, HeldFault held, Verdict verdict, CancellationToken cancellationToken)
    {
        var subject = endpoint.SubjectOf(held.Message);
        switch (verdict)
        {
            case Verdict.Replay(var redeliverCount):
                await mover.ReplayAsync(session, endpoint.Error, held, redeliverCount, new OnBehalf(AuditEntry.RedeliverJob), cancellationToken);
                Log.Replayed(logger, redeliverCount, options.Value.MaxAttempts, subject);
                break;

            case Verdict.Park(var reason):
                await mover.ParkAsync(session, endpoint, held, reason, new OnBehalf(AuditEntry.RedeliverJob, reason), cancellationToken);
                Log.Parked(logger, subject, endpoint.ParkingQueue, reason);
                break;
        }
    }

    private sealed record Due(HeldFault Held, Verdict Verdict);

    /// <summary>What the last pass left in the queue, and when the first of it is due.</summary>
    private sealed record Seen(long Waiting, DateTimeOffset ReadAgainAt)
    {
        public static readonly Seen Nothing = new(0, DateTimeOffset.MinValue);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 200, Level = LogLevel.Information, Message = "Replay {RedeliverCount} of {MaxAttempts} of the message about {Subject}")]
        public static partial void Replayed(ILogger logger, int redeliverCount, int maxAttempts, string? subject);

        [LoggerMessage(EventId = 201, Level = LogLevel.Critical, Message = "The message about {Subject} is parked in {Queue} and waits for a person. {Reason}")]
        public static partial void Parked(ILogger logger, string? subject, string queue, string reason);

        [LoggerMessage(EventId = 203, Level = LogLevel.Error, Message = "The message about {Subject} stays in the error queue; it is tried again in {Minutes} min. {Refusal}")]
        public static partial void Stays(ILogger logger, string? subject, string refusal, double minutes);

        [LoggerMessage(EventId = 207, Level = LogLevel.Warning, Message = "The redeliver job leaves {Queue} alone until its rights are complete. {Missing}")]
        public static partial void LeftAlone(ILogger logger, string queue, string missing);

        [LoggerMessage(EventId = 202, Level = LogLevel.Warning, Message = "Could not look at {Queue}: {Error}")]
        public static partial void PassFailed(ILogger logger, string queue, string error);
    }
}
