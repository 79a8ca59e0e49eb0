using MassTransit;
using MassTransit.Context;

namespace Notifications.Worker.Pipeline;

/// <summary>
/// Forgets whom a message wants to be told of its failure. MassTransit would declare that queue as it sees fit, and where
/// the broker has another one of the name, as it has of this endpoint's own, the broker closes the worker's channel: again
/// and again, as the message comes back. Faults are published all the same.
/// </summary>
internal sealed class NoReplyFilter<T> : IFilter<ConsumeContext<T>>
    where T : class
{
    public Task Send(ConsumeContext<T> context, IPipe<ConsumeContext<T>> next) => next.Send(new NoReplyContext(context));

    public void Probe(ProbeContext context) => context.CreateFilterScope("noReply");

    private sealed class NoReplyContext(ConsumeContext<T> context) : ConsumeContextProxy<T>(context)
    {
        public override Uri? FaultAddress => null;

        public override Uri? ResponseAddress => null;
    }
}
