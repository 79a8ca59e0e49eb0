using MassTransit;
using MassTransit.RabbitMqTransport;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace Orders.Messaging;

/// <summary>Gives a receive endpoint its messages again after its channel was closed or its consumer cancelled.</summary>
/// <remarks>
/// <list type="bullet">
/// <item>
/// RabbitMQ.Client tells of a closed channel or connection only when every handler of a message has returned, and nothing
/// is connected again before. So the client need not wait for any handler once the channel is closed. What a handler has
/// not acknowledged is delivered again in any case.
/// </item>
/// <item>
/// An operation of RabbitMQ.Client 7.2.2 that waits for another one on its channel never ends when the channel is disposed
/// of (https://github.com/rabbitmq/rabbitmq-dotnet-client/issues/1976). MassTransit declares a topology by many at once. So
/// an endpoint whose channel is closed before it consumes gives that channel up after <see cref="Patience"/>.
/// </item>
/// <item>
/// A broker that cancels a consumer (a handler took longer than its time-out, or the queue moved) keeps the channel open.
/// MassTransit cancels its handlers, and consumes again only when all of them have ended, or after
/// <see cref="BusRegistration.StopTimeout"/>. So this consumes again at once, over the same channel.
/// </item>
/// </list>
/// </remarks>
internal sealed partial class ConsumerRecovery(TimeProvider clock, ILogger<ConsumerRecovery> logger) : IEndpointConfigurationObserver
{
    /// <summary>How long the declarations of an endpoint may take to end after their channel was closed.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public void EndpointConfigured<T>(T configurator)
        where T : IReceiveEndpointConfigurator
    {
        if (configurator is IRabbitMqReceiveEndpointConfigurator endpoint)
        {
            endpoint.ConfigureChannel(channels => channels.UseFilter(new Filter(clock, logger)));
        }
    }

    private sealed class Filter(TimeProvider clock, ILogger logger) : IFilter<ChannelContext>
    {
        /// <exception cref="AlreadyClosedException">The channel is closed, and the declarations over it have not ended.</exception>
        public async Task Send(ChannelContext context, IPipe<ChannelContext> next)
        {
            var closed = context.Channel.Closed();
            var channel = new Channel(context, logger);
            var used = next.Send(channel);
            // What consumes ends by itself when its channel is closed.
            Task declared = Task.WhenAny(used, channel.Consumes);
            await Task.WhenAny(declared, closed);
            await declared.WaitAsync(Patience, clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!declared.IsCompleted)
            {
                throw new AlreadyClosedException(context.Channel.CloseReason!);
            }

            await used;
        }

        public void Probe(ProbeContext context) => context.CreateFilterScope("recoverConsumers");
    }

    private sealed class Channel(ChannelContext channel, ILogger logger) : ScopeChannelContext(channel, channel.CancellationToken), ChannelContext
    {
        private readonly TaskCompletionSource _consumes = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Ends when the endpoint has declared all that it needs, and consumes.</summary>
        public Task Consumes => _consumes.Task;

        async Task<string> ChannelContext.BasicConsume(
            string queue, bool noAck, bool exclusive, IDictionary<string, object> arguments, IAsyncBasicConsumer consumer, string consumerTag, CancellationToken cancellationToken)
        {
            var recovered = new Consumer(
                consumer,
                queue,
                Channel,
                logger,
                // Under another name: the broker keeps that of a consumer that it cancelled as long as its messages are in hand.
                again => BasicConsume(queue, noAck, exclusive, arguments, again, consumerTag: "", CancellationToken));
            var tag = await BasicConsume(queue, noAck, exclusive, arguments, recovered, consumerTag, cancellationToken);
            _consumes.TrySetResult();
            return tag;
        }
    }

    private sealed class Consumer : IAsyncBasicConsumer
    {
        private readonly IAsyncBasicConsumer _consumer;
        private readonly string _queue;
        private readonly ILogger _logger;
        private readonly Func<IAsyncBasicConsumer, Task> _consumeAgain;
        private readonly Task _closed;

        public Consumer(IAsyncBasicConsumer consumer, string queue, IChannel channel, ILogger logger, Func<IAsyncBasicConsumer, Task> consumeAgain)
        {
            _consumer = consumer;
            _queue = queue;
            _logger = logger;
            _consumeAgain = consumeAgain;
            _closed = channel.Closed();
        }

        public IChannel? Channel => _consumer.Channel;

        public async Task HandleBasicDeliverAsync(
            string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
        {
            // The client takes its memory back when this returns, and the handler may still read it.
            var handled = _consumer.HandleBasicDeliverAsync(
                consumerTag, deliveryTag, redelivered, exchange, routingKey, properties, body.ToArray(), cancellationToken);
            await await Task.WhenAny(handled, _closed);
        }

        public Task HandleBasicConsumeOkAsync(string consumerTag, CancellationToken cancellationToken = default) =>
            _consumer.HandleBasicConsumeOkAsync(consumerTag, cancellationToken);

        public Task HandleBasicCancelOkAsync(string consumerTag, CancellationToken cancellationToken = default) =>
            _consumer.HandleBasicCancelOkAsync(consumerTag, cancellationToken);

        public async Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
        {
            try
            {
                await _consumeAgain(this);
                Log.ConsumesAgain(_logger, _queue);
            }
            catch (Exception exception)
            {
                // The queue is gone, most likely, and the channel with it: MassTransit makes both anew.
                Log.Cancelled(_logger, _queue, exception.GetBaseException().Message);
                await _consumer.HandleBasicCancelAsync(consumerTag, cancellationToken);
            }
        }

        public Task HandleChannelShutdownAsync(object channel, ShutdownEventArgs reason) =>
            _consumer.HandleChannelShutdownAsync(channel, reason);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 24, Level = LogLevel.Warning, Message = "The broker cancelled the consumer of {Queue}. It consumes again.")]
        public static partial void ConsumesAgain(ILogger logger, string queue);

        [LoggerMessage(EventId = 25, Level = LogLevel.Warning, Message = "The broker cancelled the consumer of {Queue}, which will be made anew: {Error}")]
        public static partial void Cancelled(ILogger logger, string queue, string error);
    }
}

file static class ChannelExtensions
{
    /// <summary>Ends when the channel is closed.</summary>
    public static Task Closed(this IChannel channel)
    {
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        channel.ChannelShutdownAsync += (_, _) =>
        {
            closed.TrySetResult();
            return Task.CompletedTask;
        };
        // Closed between the client's look at that and its taking the handler, it tells nobody.
        if (channel.IsClosed)
        {
            closed.TrySetResult();
        }

        return closed.Task;
    }
}
