using System.Collections.Concurrent;
using MassTransit;
using MassTransit.RabbitMqTransport;

namespace Orders.Messaging;

/// <summary>
/// Lets a handler have its message rejected in the end, which RabbitMQ dead-letters then. MassTransit knows two ends only:
/// to acknowledge a message, and to put it back.
/// </summary>
public sealed class RejectedDeliveries
{
    private readonly ConcurrentDictionary<ulong, bool> _tags = [];

    /// <summary>Gives the endpoint's channels the ability.</summary>
    public static void AddTo(IRabbitMqReceiveEndpointConfigurator endpoint) =>
        endpoint.ConfigureChannel(channels => channels.UseFilter(new Filter()));

    /// <summary>Has the message rejected where it would be acknowledged.</summary>
    public static void Reject(ReceiveContext context) =>
        context.GetPayload<ChannelContext>().GetPayload<RejectedDeliveries>()._tags[context.GetPayload<RabbitMqBasicConsumeContext>().DeliveryTag] = true;

    /// <summary>Whether the message is to be rejected.</summary>
    public static bool IsRejected(ReceiveContext context) =>
        context.TryGetPayload(out ChannelContext? channel) && channel.TryGetPayload(out RejectedDeliveries? rejected)
        && rejected._tags.ContainsKey(context.GetPayload<RabbitMqBasicConsumeContext>().DeliveryTag);

    private sealed class Filter : IFilter<ChannelContext>
    {
        public Task Send(ChannelContext context, IPipe<ChannelContext> next) => next.Send(new Channel(context));

        public void Probe(ProbeContext context) => context.CreateFilterScope("rejectedDeliveries");
    }

    private sealed class Channel : ScopeChannelContext, ChannelContext
    {
        private readonly RejectedDeliveries _rejected = new();

        public Channel(ChannelContext channel)
            : base(channel, channel.CancellationToken) => AddOrUpdatePayload(() => _rejected, _ => _rejected);

        ValueTask ChannelContext.BasicAck(ulong deliveryTag, bool multiple, CancellationToken cancellationToken) =>
            _rejected._tags.TryRemove(deliveryTag, out _)
                ? new(BasicNack(deliveryTag, multiple: false, requeue: false, cancellationToken))
                : BasicAck(deliveryTag, multiple, cancellationToken);
    }
}
