using Contracts;
using MassTransit;
using Notifications.Worker.Faults.Audit;
using Notifications.Worker.Faults.Inspection;
using Notifications.Worker.Faults.Queues;
using Notifications.Worker.Operators;
using Notifications.Worker.OrderConfirmation;

namespace Notifications.Worker.Faults;

/// <summary>
/// Tells everybody of a message that the broker itself is to put into parking, since it takes it for no queue from us: nothing
/// can be written on that message.
/// </summary>
internal sealed class RefusedFaults(IAuditTrail audit, IServiceProvider services, OperatorEvents operators, TimeProvider clock)
{
    /// <param name="context">The message and its failure.</param>
    /// <param name="refusal">What the broker said.</param>
    public async Task TellAsync(ExceptionReceiveContext context, string refusal)
    {
        var delivery = context.GetPayload<RabbitMqBasicConsumeContext>().Properties;
        var message = new FaultMessage(
            context.Body.GetBytes(),
            delivery.ContentType,
            delivery.Headers?.AsReadOnly() ?? new Dictionary<string, object?>().AsReadOnly(),
            delivery.MessageId);
        var kind = FailureKinds.Of(context.Exception);
        var reason = $"{FaultSorter.Describe(context.Exception)} {refusal}";
        var at = clock.GetUtcNow();

        // First, and over a channel of its own: who may not write here may not publish the others either, and would close theirs.
        await audit.WriteAsync(
            new AuditEntry(at, AuditEntry.Worker, AuditEvent.Park, FaultQueue.Parked, FaultReading.IdOf(message), message.MessageId, message.OrderId, reason),
            context.CancellationToken);
        // The bus is still being made when its endpoints ask for this class.
        await services.GetRequiredService<IBus>().Publish(new OrderConfirmationFailed(message.OrderId, reason, at), context.CancellationToken);
        await operators.TellAsync(
            new OperatorEvent($"{OrderConfirmationEndpoint.Queue}.parked.{kind.Word()}", at, message.OrderId, message.MessageId, reason), context.CancellationToken);
    }
}
