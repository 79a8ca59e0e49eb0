using MassTransit;
using Orders.Messaging;

namespace Orders.FaultQueues.Backlog;

/// <summary>
/// Notes the age of every message that a consumer of this process has in hand. A queue gives its messages in their order:
/// while it is worked on, the oldest ones are in hand. (To fetch the first one and put it back would count towards the
/// delivery limit of a quorum queue.)
/// </summary>
internal sealed class MessageInHandFilter(BacklogMetrics backlog, string queue, TimeProvider clock) : IFilter<ConsumeContext>
{
    public async Task Send(ConsumeContext context, IPipe<ConsumeContext> next)
    {
        using var held = backlog.IsObserved
            ? backlog.Hold(queue, context.GetSentAt() ?? context.SentTime ?? clock.GetUtcNow())
            : null;
        await next.Send(context);
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("messageInHand");
}
