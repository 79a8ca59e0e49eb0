using MassTransit;
using MassTransit.Serialization;
using MassTransit.Transports;

namespace Orders.Messaging.Redelivery;

/// <summary>
/// Redelivers a message through the <see cref="DelayQueues"/> of its endpoint. Takes the place of MassTransit's own
/// context, which needs the delayed-message-exchange plug-in on RabbitMQ.
/// </summary>
/// <typeparam name="TMessage">The message.</typeparam>
/// <typeparam name="TEndpoint">Stands for the endpoint.</typeparam>
internal sealed class DelayQueueRedeliveryContext<TMessage, TEndpoint>(ConsumeContext<TMessage> context) : MessageRedeliveryContext
    where TMessage : class
{
    /// <summary>Completes when the broker has confirmed the message in its delay queue.</summary>
    /// <exception cref="MessageReturnedException">There is no queue for this delay.</exception>
    public async Task ScheduleRedelivery(TimeSpan delay, Action<ConsumeContext, SendContext>? callback = null)
    {
        var pipe = Pipe.Execute<SendContext<TMessage>>(send =>
        {
            send.ApplyRedeliveryOptions(context, RedeliveryOptions.None);
            callback?.Invoke(context, send);
            // A count below nothing, which only a stranger can have set, would never come to an end.
            if (context.GetRedeliveryCount() < 0)
            {
                send.Headers.Set(MessageHeaders.RedeliveryCount, 1);
            }

            var rabbitMq = send.GetPayload<RabbitMqSendContext>();
            rabbitMq.KeepSentAt(context);
            rabbitMq.RoutingKey = DelayQueues.RoutingKey(delay);
            // To be returned must be an error: the message is acknowledged on the strength of this send.
            rabbitMq.Mandatory = true;
        });

        // By the exchange's type and not by its address: MassTransit declares whatever it has the address of, each time.
        var exchange = await context.ReceiveContext.PublishEndpointProvider.GetPublishSendEndpoint<IDelayed<TEndpoint>>();
        // A send whose channel is closed meanwhile may never end. It would keep the place of another message.
        await new ConsumeSendEndpoint(exchange, context).Send(context.Message, new ForwardMessagePipe<TMessage>(context, pipe), context.CancellationToken)
            .WaitAsync(context.CancellationToken);
    }
}
