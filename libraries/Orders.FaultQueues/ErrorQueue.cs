using MassTransit;
using MassTransit.Middleware;
using MassTransit.RabbitMqTransport;
using MassTransit.RabbitMqTransport.Configuration;
using Orders.Messaging;
using RabbitMQ.Client;

namespace Orders.FaultQueues;

/// <summary>
/// Moves messages to an endpoint's error queue on RabbitMQ, over channels of their own. MassTransit would send them over the
/// channel that it consumes from, as they are: what the broker refuses would close that channel, again and again, with every
/// other message that is in hand.
/// </summary>
/// <param name="endpoint">The endpoint.</param>
/// <param name="declares">Whether the queue is declared with the first fault; somebody else has deployed it otherwise.</param>
/// <param name="onRefused">Is told of a message that the broker does not take for the queue, and why, before it is rejected; where it is <c>null</c>, such a message is delivered again.</param>
/// <param name="logger">Writes in the name of the sorter.</param>
internal sealed partial class ErrorQueue(
    IRabbitMqReceiveEndpointConfigurator endpoint, bool declares, Func<ExceptionReceiveContext, string, Task>? onRefused, ILogger<FaultSorter> logger)
    : IFilter<ExceptionReceiveContext>
{
    /// <summary>How long a message waits that the queue does not take now: it is delivered again at once then.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private readonly Republisher _republisher = new(FaultHeaders.IsOurs);

    public async Task Send(ExceptionReceiveContext context, IPipe<ExceptionReceiveContext> next)
    {
        var channel = context.GetPayload<ChannelContext>();
        // Only now the endpoint's settings are complete.
        var settings = ((IRabbitMqReceiveEndpointConfiguration)endpoint).GetErrorSettings();
        try
        {
            try
            {
                await PublishAsync();
            }
            catch (RepublishRefusedException refused) when (declares && refused.Why == RepublishRefusal.NoQueue)
            {
                await DeclareAsync(channel, settings);
                await PublishAsync();
            }
        }
        catch (RepublishRefusedException refused) when (refused.Why == RepublishRefusal.NotNow)
        {
            await Task.Delay(Pause, context.CancellationToken);
            throw;
        }
        catch (RepublishRefusedException refused) when (onRefused is not null)
        {
            var (messageId, error) = (context.GetMessageId(), context.Exception.GetBaseException().Message);
            Log.Rejected(logger, messageId, error, refused.Message);
            await onRefused(context, refused.Message);
            RejectedDeliveries.Reject(context);
        }

        await next.Send(context);

        Task PublishAsync() => _republisher.PublishAsync(
            channel.ConnectionContext.Connection, settings.ExchangeName, WithFault(context), context.Body.GetBytes(), context.CancellationToken);
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("errorQueue");

    /// <summary>Declares the queue. The broker closes the channel where the queue is there in another form.</summary>
    private static async Task DeclareAsync(ChannelContext consuming, ErrorSettings settings)
    {
        var channel = await consuming.ConnectionContext.CreateChannelContext(new Agent(), concurrentMessageLimit: null, consuming.CancellationToken);
        try
        {
            await settings.DeclareAsync(channel);
        }
        catch (Exception exception) when (channel.Channel.CloseReason is { Initiator: ShutdownInitiator.Peer } closed)
        {
            throw new RepublishRefusedException(settings.ExchangeName, $"{closed.ReplyText} ({exception.GetType().Name})", RepublishRefusal.Message);
        }
        finally
        {
            await channel.Channel.DisposeAsync();
        }
    }

    /// <summary>The message's properties, with what MassTransit says of its failure.</summary>
    private static BasicProperties WithFault(ExceptionReceiveContext context)
    {
        var received = context.GetPayload<RabbitMqBasicConsumeContext>().Properties;
        var properties = new BasicProperties(received)
        {
            Headers = received.Headers is null ? new Dictionary<string, object?>() : new Dictionary<string, object?>(received.Headers),
        };
        var headers = new MoveTransportHeaders(properties);
        headers.SetHostHeaders();
        foreach (var header in context.ExceptionHeaders)
        {
            headers.Set(header.Key, header.Value, overwrite: true);
        }

        return properties;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 213, Level = LogLevel.Critical, Message = "Message {MessageId} failed ({Error}) and is rejected. {Refusal}")]
        public static partial void Rejected(ILogger logger, Guid? messageId, string error, string refusal);
    }
}
