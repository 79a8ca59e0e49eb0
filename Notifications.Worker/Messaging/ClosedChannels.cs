using MassTransit;
using MassTransit.RabbitMqTransport;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Notifications.Worker.Messaging;

/// <summary>
/// Keeps a message that is being worked on from holding up the end of its channel, and with it every reconnection.
/// </summary>
/// <remarks>
/// RabbitMQ.Client tells of a closed connection only when every handler of a message has returned. A handler of
/// MassTransit's that finds its channel closed closes it once more, which waits for all handlers, itself included: for
/// ever. So the client need not wait for any handler once the channel is closed. What a handler has not acknowledged is
/// delivered again in any case.
/// </remarks>
internal static class ClosedChannels
{
    /// <summary>Applies this to every receive endpoint that is configured from now on.</summary>
    public static void LetGoOfClosedChannels(this IRabbitMqBusFactoryConfigurator bus) => bus.ConnectEndpointConfigurationObserver(new Observer());

    private sealed class Observer : IEndpointConfigurationObserver
    {
        public void EndpointConfigured<T>(T configurator)
            where T : IReceiveEndpointConfigurator
        {
            if (configurator is IRabbitMqReceiveEndpointConfigurator endpoint)
            {
                endpoint.ConfigureChannel(channels => channels.UseFilter(new Filter()));
            }
        }
    }

    private sealed class Filter : IFilter<ChannelContext>
    {
        public Task Send(ChannelContext context, IPipe<ChannelContext> next) => next.Send(new Channel(context));

        public void Probe(ProbeContext context) => context.CreateFilterScope("letGoOfClosedChannels");
    }

    private sealed class Channel(ChannelContext channel) : ScopeChannelContext(channel, channel.CancellationToken), ChannelContext
    {
        Task<string> ChannelContext.BasicConsume(
            string queue, bool noAck, bool exclusive, IDictionary<string, object> arguments, IAsyncBasicConsumer consumer, string consumerTag, CancellationToken cancellationToken) =>
            BasicConsume(queue, noAck, exclusive, arguments, new Consumer(consumer, Channel), consumerTag, cancellationToken);
    }

    private sealed class Consumer : IAsyncBasicConsumer
    {
        private readonly IAsyncBasicConsumer _consumer;
        private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Consumer(IAsyncBasicConsumer consumer, IChannel channel)
        {
            _consumer = consumer;
            channel.ChannelShutdownAsync += (_, _) =>
            {
                _closed.TrySetResult();
                return Task.CompletedTask;
            };
        }

        public IChannel? Channel => _consumer.Channel;

        public async Task HandleBasicDeliverAsync(
            string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
        {
            // The client takes its memory back when this returns, and the handler may still read it.
            var handled = _consumer.HandleBasicDeliverAsync(
                consumerTag, deliveryTag, redelivered, exchange, routingKey, properties, body.ToArray(), cancellationToken);
            await await Task.WhenAny(handled, _closed.Task);
        }

        public Task HandleBasicConsumeOkAsync(string consumerTag, CancellationToken cancellationToken = default) =>
            _consumer.HandleBasicConsumeOkAsync(consumerTag, cancellationToken);

        public Task HandleBasicCancelOkAsync(string consumerTag, CancellationToken cancellationToken = default) =>
            _consumer.HandleBasicCancelOkAsync(consumerTag, cancellationToken);

        public Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default) =>
            _consumer.HandleBasicCancelAsync(consumerTag, cancellationToken);

        public Task HandleChannelShutdownAsync(object channel, ShutdownEventArgs reason) =>
            _consumer.HandleChannelShutdownAsync(channel, reason);
    }
}
