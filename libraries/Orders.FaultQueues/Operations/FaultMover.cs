using System.Collections.Concurrent;
using System.Diagnostics;
using MassTransit;
using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues.Operations;

/// <summary>On whose behalf a message is moved.</summary>
/// <param name="Who">The name of a user, or <see cref="AuditEntry.RedeliverJob"/>.</param>
/// <param name="Reason">Why.</param>
/// <param name="Operation">As a part of which operation.</param>
public sealed record OnBehalf(string Who, string? Reason = null, string? Operation = null);

/// <summary>
/// Moves messages out of the queues of faults: on record first, then sent on and confirmed, then acknowledged. Whatever
/// breaks in between repeats a step and loses nothing.
/// </summary>
public sealed class FaultMover(IAuditTrail audit, ParkedNews news, FaultMetrics metrics, TimeProvider clock)
{
    /// <summary>How many more messages than before were put into parking, by endpoint.</summary>
    private readonly ConcurrentDictionary<FaultEndpoint, long> _parked = new();

    /// <summary>Has a message consumed again from the beginning.</summary>
    public async Task ReplayAsync(
        IFaultSession session, FaultQueue queue, HeldFault held, int redeliverCount, OnBehalf by, CancellationToken cancellationToken)
    {
        using var activity = FaultActivities.Start(queue.Endpoint, "replay", held.Message);
        await RecordAsync(AuditEvent.Replay, queue, held, by, cancellationToken);
        await session.SendAsync(held, queue.Endpoint.Queue, ForReplay(held.Message, queue, redeliverCount, activity), cancellationToken);
        await CompleteAsync(session, queue, held, cancellationToken);
        metrics.Replay(queue.Endpoint, by.Who);
    }

    /// <summary>Has a message consumed with another body, under a new id and as if it had never been replayed.</summary>
    public async Task ReplayEditedAsync(
        IFaultSession session, FaultQueue queue, HeldFault held, ReadOnlyMemory<byte> body, string? contentType, OnBehalf by, CancellationToken cancellationToken)
    {
        using var activity = FaultActivities.Start(queue.Endpoint, "replay", held.Message);
        await RecordAsync(AuditEvent.Edit, queue, held, by, cancellationToken);
        await session.SendAsync(
            held,
            queue.Endpoint.Queue,
            ForReplay(held.Message.WithBody(body, contentType, NewId.NextGuid(), queue.Endpoint.Identity), queue, 0, activity),
            cancellationToken);
        await CompleteAsync(session, queue, held, cancellationToken);
        metrics.Replay(queue.Endpoint, by.Who);
    }

    /// <summary>Has a message wait for a person, and tells everybody.</summary>
    public async Task ParkAsync(IFaultSession session, FaultEndpoint endpoint, HeldFault held, string reason, OnBehalf by, CancellationToken cancellationToken)
    {
        using var activity = FaultActivities.Start(endpoint, "park", held.Message);
        var parkedAt = clock.GetUtcNow();
        await RecordAsync(AuditEvent.Park, endpoint.Error, held, by, cancellationToken);
        await session.SendAsync(held, endpoint.ParkingQueue, held.Message.ForParking(reason, parkedAt), cancellationToken);
        Count(endpoint, 1);
        // Before the fault is let go: a crash in between tells people twice, never not at all. Nobody waits for a message of
        // another program but those who look after its queues: what a person parks, a person knows of.
        if (!endpoint.IsForeign || by.Who == AuditEntry.RedeliverJob)
        {
            await news.PublishAsync(endpoint, held.Message, held.Message.Kind, reason, parkedAt, cancellationToken);
        }

        await session.CompleteAsync(held, cancellationToken);
        metrics.Park(endpoint, by.Who, held.Message.Kind);
        await news.PublishToOperatorsAsync(endpoint, held.Message, held.Message.Kind, reason, parkedAt, cancellationToken);
    }

    /// <summary>Tells everybody of a message that the broker put into parking by itself.</summary>
    public async Task PublishParkedAsync(FaultEndpoint endpoint, HeldFault held, string reason, OnBehalf by, CancellationToken cancellationToken)
    {
        var parkedAt = clock.GetUtcNow();
        await RecordAsync(AuditEvent.Park, endpoint.Parked, held, by with { Reason = reason }, cancellationToken);
        await news.PublishAsync(endpoint, held.Message, held.Message.Kind, reason, parkedAt, cancellationToken);
        metrics.Park(endpoint, by.Who, held.Message.Kind);
        await news.PublishToOperatorsAsync(endpoint, held.Message, held.Message.Kind, reason, parkedAt, cancellationToken);
    }

    /// <summary>Writes on a parked message why it is there. It is the last one of its queue then.</summary>
    public async Task WriteReasonAsync(IFaultSession session, FaultEndpoint endpoint, HeldFault held, string reason, CancellationToken cancellationToken)
    {
        await session.SendAsync(held, endpoint.ParkingQueue, held.Message.ForParking(reason, clock.GetUtcNow()), cancellationToken);
        await session.CompleteAsync(held, cancellationToken);
    }

    /// <summary>How many more messages than before this put into parking, those taken off that it took out; counts anew from here.</summary>
    public long TakeParked(FaultEndpoint endpoint) => _parked.TryRemove(endpoint, out var count) ? count : 0;

    /// <summary>Deletes a parked message.</summary>
    public async Task DiscardAsync(IFaultSession session, FaultEndpoint endpoint, HeldFault held, OnBehalf by, CancellationToken cancellationToken)
    {
        await RecordAsync(AuditEvent.Discard, endpoint.Parked, held, by, cancellationToken);
        await CompleteAsync(session, endpoint.Parked, held, cancellationToken);
    }

    private async Task CompleteAsync(IFaultSession session, FaultQueue queue, HeldFault held, CancellationToken cancellationToken)
    {
        await session.CompleteAsync(held, cancellationToken);
        if (queue.Kind == FaultQueueKind.Parked)
        {
            Count(queue.Endpoint, -1);
        }
    }

    /// <remarks>Another program gets what it got before, and no header that it has not heard of but the count.</remarks>
    private static FaultMessage ForReplay(FaultMessage message, FaultQueue queue, int redeliverCount, Activity? activity) => queue.Endpoint.IsForeign
        ? message.ForForeignReplay(redeliverCount)
        : message.ForReplay(redeliverCount, DecisionIn(queue)).In(activity);

    /// <summary>What lies in parking waits for a person: to replay it from there is to decide that it is to be sent.</summary>
    private static Guid? DecisionIn(FaultQueue queue) => queue.Kind == FaultQueueKind.Parked ? NewId.NextGuid() : null;

    private void Count(FaultEndpoint endpoint, int more) => _parked.AddOrUpdate(endpoint, more, (_, count) => count + more);

    private Task RecordAsync(AuditEvent what, FaultQueue queue, HeldFault held, OnBehalf by, CancellationToken cancellationToken) =>
        audit.WriteAsync(
            new AuditEntry(
                clock.GetUtcNow(),
                by.Who,
                what,
                queue.Endpoint.Queue,
                queue.Kind,
                FaultReading.IdOf(held.Message),
                held.Message.MessageId,
                queue.Endpoint.SubjectOf(held.Message),
                by.Reason,
                by.Operation),
            cancellationToken);
}
