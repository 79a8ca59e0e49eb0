using MassTransit;
using Orders.Ledger;

namespace Orders.Api.Status;

/// <summary>
/// Has an event that could not be recorded for want of the order store go back to its queue, as if it had never come.
/// Belongs to the endpoint: a cancellation that the consumer itself throws, and nobody asked for, is a fault to MassTransit.
/// </summary>
internal sealed class HandBackFilter : IFilter<ConsumeContext>
{
    public async Task Send(ConsumeContext context, IPipe<ConsumeContext> next)
    {
        try
        {
            await next.Send(context);
        }
        catch (LedgerUnreachableException)
        {
            // To MassTransit this is a message that has not been consumed.
            throw new OperationCanceledException(context.CancellationToken);
        }
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("handBack");
}
