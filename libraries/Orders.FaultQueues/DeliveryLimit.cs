using MassTransit;
using Orders.Messaging.Failures;

namespace Orders.FaultQueues;

/// <summary>A message came back to its queue too often without an outcome: each time, the process that worked on it died.</summary>
public sealed class DeliveryLimitException(long deliveries)
    : Exception($"Delivered {deliveries} times without an outcome: the worker died each time."), IForeseenFailure
{
    /// <inheritdoc/>
    public FailureKind Kind => FailureKind.Permanent;
}

/// <summary>
/// Sets a message aside after too many deliveries without an outcome, by the same way as every other failure. The
/// broker's own limit (https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling) would drop it, or park
/// it without anybody being told; our queues are declared without one.
/// </summary>
/// <remarks>Only quorum queues count deliveries: on a classic queue nothing is ever set aside by this.</remarks>
internal sealed class DeliveryLimitFilter(int limit) : IFilter<ConsumeContext>
{
    public Task Send(ConsumeContext context, IPipe<ConsumeContext> next)
    {
        // As the broker writes it: anything else is a stranger's.
        var returns = context.ReceiveContext.TransportHeaders.TryGetHeader("x-delivery-count", out var count) && count is long number ? number : 0;
        return returns < limit ? next.Send(context) : throw new DeliveryLimitException(returns);
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("deliveryLimit").Add("limit", limit);
}
