using System.Runtime.Serialization;
using MassTransit;

namespace Notifications.Worker.Pipeline;

/// <summary>
/// Takes a message for unreadable that has an id which is none. MassTransit reads ids as late as when they are asked for:
/// that would be after the email, which would then be sent again with each try.
/// </summary>
internal sealed class ReadableIdsFilter<T> : IFilter<ConsumeContext<T>>
    where T : class
{
    public Task Send(ConsumeContext<T> context, IPipe<ConsumeContext<T>> next)
    {
        try
        {
            _ = (context.MessageId, context.RequestId, context.CorrelationId, context.ConversationId, context.InitiatorId);
        }
        catch (FormatException exception)
        {
            throw new SerializationException("An id of the message is not a GUID.", exception);
        }

        return next.Send(context);
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("readableIds");
}
