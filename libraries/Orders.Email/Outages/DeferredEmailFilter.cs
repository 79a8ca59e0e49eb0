using MassTransit;
using Orders.Email.Deliveries;

namespace Orders.Email.Outages;

/// <summary>
/// Has a message whose email was held for too long, makes room for others, or is being sent by somebody else, come back to its queue as it was,
/// without a retry, redelivery or fault being used up. Belongs after the retry filter, which would count it as a failure.
/// </summary>
/// <param name="roundTrip">How long the message is away, a delay of the endpoint's redelivery queues.</param>
/// <param name="waitsForEver">Whether the transport lets it wait for ever: then it is held for too long only when the host stops.</param>
/// <remarks>
/// RabbitMQ closes the channel, or from 4.3 on cancels the consumer, over a message that is unacknowledged for 30 minutes
/// (https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout), and a message that is merely handed back comes
/// again at once, with one return more on its count. So it is sent once through a delay queue and acknowledged.
/// </remarks>
internal sealed class DeferredEmailFilter<TMessage>(TimeSpan roundTrip, bool waitsForEver) : IFilter<ConsumeContext<TMessage>>
    where TMessage : class
{
    public async Task Send(ConsumeContext<TMessage> context, IPipe<ConsumeContext<TMessage>> next)
    {
        try
        {
            await next.Send(context);
        }
        catch (EmailDeferredException held) when (waitsForEver && !held.MakesRoom)
        {
            // To MassTransit this is a message that has not been consumed.
            throw new OperationCanceledException(context.CancellationToken);
        }
        catch (Exception exception) when (exception is EmailDeferredException or DeliveryLeasedException)
        {
            await context.GetPayload<MessageRedeliveryContext>().ScheduleRedelivery(roundTrip, KeepRedeliveryCount);
            await context.NotifyConsumed(context, context.ReceiveContext.ElapsedTime, nameof(DeferredEmailFilter<>));
        }
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("heldMail");

    private static void KeepRedeliveryCount(ConsumeContext received, SendContext sent)
    {
        var count = received.GetRedeliveryCount();
        sent.Headers.Set(MessageHeaders.RedeliveryCount, count > 0 ? count : null, overwrite: true);
    }
}
