using MassTransit;
using MassTransit.Context;
using MassTransit.RabbitMqTransport;
using MassTransit.Serialization;

namespace Orders.Messaging;

/// <summary>
/// Hides those headers of a message that must not go on. MassTransit gives them to every message that is sent because of it
/// (events, redeliveries, faults), and adds its own: more than the broker takes would end the connection, after the email.
/// </summary>
public sealed class PropagatedHeadersFilter : IFilter<ConsumeContext>
{
    public Task Send(ConsumeContext context, IPipe<ConsumeContext> next) =>
        CarriedProperties.Propagate([.. context.Headers.GetAll()], context.ReceiveContext.GetPayload<ChannelContext>().ConnectionContext.Connection.FrameMax) is { } headers
            ? next.Send(new FewerHeaders(context, headers))
            : next.Send(context);

    public void Probe(ProbeContext context) => context.CreateFilterScope("propagatedHeaders");

    private sealed class FewerHeaders : ConsumeContextProxy
    {
        public FewerHeaders(ConsumeContext context, IReadOnlyDictionary<string, object> headers)
            : base(context)
        {
            var fewer = new DictionarySendHeaders();
            foreach (var (name, value) in headers)
            {
                fewer.Set(name, value);
            }

            Headers = fewer;
        }

        public override Headers Headers { get; }
    }
}
