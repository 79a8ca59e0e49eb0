using MassTransit;

namespace Orders.FaultQueues;

/// <summary>
/// How often a message was tried again in its present delivery, for whoever sets it aside: beyond the retry filter
/// MassTransit knows no more of it.
/// </summary>
internal sealed class RetryCount
{
    public int Value { get; set; }
}

/// <summary>Keeps the <see cref="RetryCount"/>; belongs after the retry filter.</summary>
public sealed class RetryCountFilter<TMessage> : IFilter<ConsumeContext<TMessage>>
    where TMessage : class
{
    public Task Send(ConsumeContext<TMessage> context, IPipe<ConsumeContext<TMessage>> next)
    {
        context.ReceiveContext.GetOrAddPayload(() => new RetryCount()).Value = context.GetRetryAttempt();
        return next.Send(context);
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("retryCount");
}
