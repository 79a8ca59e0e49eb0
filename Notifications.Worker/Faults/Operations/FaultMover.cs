using Contracts;
using MassTransit;
using Notifications.Worker.Faults.Audit;
using Notifications.Worker.Faults.Inspection;
using Notifications.Worker.Faults.Queues;
using Notifications.Worker.Operators;
using Notifications.Worker.OrderConfirmation;
using Notifications.Worker.Telemetry;

namespace Notifications.Worker.Faults.Operations;

/// <summary>On whose behalf a message is moved.</summary>
/// <param name="Who">The name of a user, or <see cref="AuditEntry.RedeliverJob"/>.</param>
/// <param name="Reason">Why.</param>
/// <param name="Operation">As a part of which operation.</param>
public sealed record OnBehalf(string Who, string? Reason = null, string? Operation = null);

/// <summary>
/// Moves messages out of the queues of faults: on record first, then sent on and confirmed, then acknowledged. Whatever
/// breaks in between repeats a step and loses nothing.
/// </summary>
public sealed class FaultMover(IAuditTrail audit, IBus bus, OperatorEvents operators, FaultMetrics metrics, TimeProvider clock)
{
    /// <summary>Has a message consumed again from the beginning.</summary>
    public async Task ReplayAsync(
        IFaultSession session, FaultQueue queue, HeldFault held, int redeliverCount, OnBehalf by, CancellationToken cancellationToken)
    {
        using var activity = Activities.StartOnFault("replay", held.Message);
        await RecordAsync(AuditEvent.Replay, queue, held, by, cancellationToken);
        await session.SendAsync(held, OrderConfirmationEndpoint.Queue, held.Message.ForReplay(redeliverCount, DecisionIn(queue)).In(activity), cancellationToken);
        await session.CompleteAsync(held, cancellationToken);
        metrics.Replay(by.Who);
    }

    /// <summary>Has a message consumed with another body, under a new id and as if it had never been replayed.</summary>
    public async Task ReplayEditedAsync(
        IFaultSession session, FaultQueue queue, HeldFault held, ReadOnlyMemory<byte> body, string? contentType, OnBehalf by, CancellationToken cancellationToken)
    {
        using var activity = Activities.StartOnFault("replay", held.Message);
        await RecordAsync(AuditEvent.Edit, queue, held, by, cancellationToken);
        await session.SendAsync(
            held,
            OrderConfirmationEndpoint.Queue,
            held.Message.WithBody(body, contentType, NewId.NextGuid()).ForReplay(0, DecisionIn(queue)).In(activity),
            cancellationToken);
        await session.CompleteAsync(held, cancellationToken);
        metrics.Replay(by.Who);
    }

    /// <summary>Has a message wait for a person, and tells everybody.</summary>
    public async Task ParkAsync(IFaultSession session, HeldFault held, string reason, OnBehalf by, CancellationToken cancellationToken)
    {
        using var activity = Activities.StartOnFault("park", held.Message);
        var parkedAt = clock.GetUtcNow();
        await RecordAsync(AuditEvent.Park, FaultQueue.Error, held, by, cancellationToken);
        await session.SendAsync(held, OrderConfirmationEndpoint.ParkingQueue, held.Message.ForParking(reason, parkedAt), cancellationToken);
        // Before the fault is let go: a crash in between tells people twice, never not at all. The order that has the id of a
        // conflict is another one, which has not failed.
        var orderId = held.Message.Kind == FailureKind.Conflict ? null : held.Message.OrderId;
        await bus.Publish(new OrderConfirmationFailed(orderId, reason, parkedAt), cancellationToken);
        await session.CompleteAsync(held, cancellationToken);
        metrics.Park(by.Who, held.Message.Kind);
        await operators.TellAsync(
            new OperatorEvent(
                $"{OrderConfirmationEndpoint.Queue}.parked.{held.Message.Kind.Word()}", parkedAt, held.Message.OrderId, held.Message.MessageId, reason),
            cancellationToken);
    }

    /// <summary>Deletes a parked message.</summary>
    public async Task DiscardAsync(IFaultSession session, HeldFault held, OnBehalf by, CancellationToken cancellationToken)
    {
        await RecordAsync(AuditEvent.Discard, FaultQueue.Parked, held, by, cancellationToken);
        await session.CompleteAsync(held, cancellationToken);
    }

    /// <summary>What lies in parking waits for a person: to replay it from there is to decide that it is to be sent.</summary>
    private static Guid? DecisionIn(FaultQueue queue) => queue == FaultQueue.Parked ? NewId.NextGuid() : null;

    private Task RecordAsync(AuditEvent what, FaultQueue queue, HeldFault held, OnBehalf by, CancellationToken cancellationToken) =>
        audit.WriteAsync(
            new AuditEntry(
                clock.GetUtcNow(), by.Who, what, queue, FaultReading.IdOf(held.Message), held.Message.MessageId, held.Message.OrderId, by.Reason, by.Operation),
            cancellationToken);
}
