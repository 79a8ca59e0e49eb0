using MassTransit;
using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Queues;
using Orders.Messaging.Failures;

namespace Orders.FaultQueues;

/// <summary>
/// Tells everybody of a message that the broker itself is to put into parking, since it takes it for no queue from us: nothing
/// can be written on that message.
/// </summary>
public sealed class RefusedFaults(FaultEndpoints endpoints, IAuditTrail audit, ParkedNews news, TimeProvider clock)
{
    /// <param name="context">The message and its failure.</param>
    /// <param name="refusal">What the broker said.</param>
    public async Task AnnounceAsync(ExceptionReceiveContext context, string refusal)
    {
        var endpoint = endpoints.Get(context.InputAddress.Segments[^1]);
        var message = FaultMessage.Of(context.GetPayload<RabbitMqBasicConsumeContext>().Properties, context.Body.GetBytes());
        var kind = Enum.Parse<FailureKind>(context.ExceptionHeaders.Get<string>(FaultHeaders.FailureKind)!);
        var reason = $"{FaultSorter.Describe(context.Exception)} {refusal}";
        var at = clock.GetUtcNow();

        // First, and over a channel of its own: who may not write here may not publish the others either, and would close theirs.
        await audit.WriteAsync(
            new AuditEntry(
                at, AuditEntry.Worker, AuditEvent.Park, endpoint.Queue, FaultQueueKind.Parked, FaultReading.IdOf(message), message.MessageId, endpoint.SubjectOf(message), reason),
            context.CancellationToken);
        await news.PublishAsync(endpoint, message, kind, reason, at, context.CancellationToken);
        await news.PublishToOperatorsAsync(endpoint, message, kind, reason, at, context.CancellationToken);
    }
}
