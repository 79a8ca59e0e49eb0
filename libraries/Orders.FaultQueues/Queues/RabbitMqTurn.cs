using Orders.Messaging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace Orders.FaultQueues.Queues;

/// <summary>A turn at a queue of faults: only one at a time is taken, in all processes together.</summary>
/// <remarks>
/// Beside each such queue there is one with a single active consumer. Whoever wants a turn sends a message to it and
/// consumes from it; when a message comes, whosever it was, so has the turn. RabbitMQ makes the next consumer the active
/// one when this one ends, however that happens. Unlike an exclusive queue this needs no right to declare.
/// </remarks>
internal sealed class RabbitMqTurn : IAsyncDisposable
{
    /// <summary>Messages of those who gave up waiting stay behind and do no harm; no more than this many are kept.</summary>
    private const int Length = 100;

    private readonly IChannel _channel;
    private readonly string _consumerTag;
    private readonly ulong _deliveryTag;

    private RabbitMqTurn(IChannel channel, string consumerTag, ulong deliveryTag) =>
        (_channel, _consumerTag, _deliveryTag) = (channel, consumerTag, deliveryTag);

    /// <summary>What the queue is called that turns at another one are taken by.</summary>
    public static string NameFor(string queue) => $"{queue}_turn";

    /// <summary>Declares it, and the exchange of its name.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static Task DeclareAsync(IChannel channel, string name, CancellationToken cancellationToken)
    {
        var arguments = QueueArguments.Signalling(Length);
        arguments["x-single-active-consumer"] = true;
        return channel.DeclareWithExchangeAsync(name, arguments, cancellationToken);
    }

    /// <summary>Waits for a turn.</summary>
    /// <param name="connection">The connection that the turn ends with, at the latest.</param>
    /// <param name="queue">The queue of faults.</param>
    /// <param name="declare">Whether to declare first what turns are taken by.</param>
    /// <param name="patience">How long to wait at most.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="TimeoutException">The turn did not come in time.</exception>
    public static async Task<RabbitMqTurn> WaitAsync(
        IConnection connection, string queue, bool declare, TimeSpan patience, CancellationToken cancellationToken)
    {
        var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        try
        {
            if (declare)
            {
                await DeclareAsync(channel, NameFor(queue), cancellationToken);
            }

            var consumer = new Consumer(channel);
            await channel.BasicQosAsync(prefetchSize: 0, prefetchCount: 1, global: false, cancellationToken);
            var tag = await channel.BasicConsumeAsync(NameFor(queue), autoAck: false, consumer, cancellationToken);
            await channel.BasicPublishAsync(exchange: NameFor(queue), routingKey: "", ReadOnlyMemory<byte>.Empty, cancellationToken);

            var turn = new RabbitMqTurn(channel, tag, await consumer.Delivered.WaitAsync(patience, cancellationToken));
            channel = null;
            return turn;
        }
        finally
        {
            if (channel is not null)
            {
                await channel.DisposeAsync();
            }
        }
    }

    /// <summary>Hands the turn on.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_channel.IsOpen)
            {
                // In this order: what is acknowledged makes room for another message, which is not for us.
                await _channel.BasicCancelAsync(_consumerTag);
                await _channel.BasicAckAsync(_deliveryTag, multiple: false);
            }
        }
        catch (Exception exception) when (exception is OperationInterruptedException or AlreadyClosedException)
        {
            // The channel has ended, and the turn with it.
        }
        finally
        {
            await _channel.DisposeAsync();
        }
    }

    private sealed class Consumer(IChannel channel) : AsyncDefaultBasicConsumer(channel)
    {
        private readonly TaskCompletionSource<ulong> _delivered = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<ulong> Delivered => _delivered.Task;

        public override Task HandleBasicDeliverAsync(
            string consumerTag,
            ulong deliveryTag,
            bool redelivered,
            string exchange,
            string routingKey,
            IReadOnlyBasicProperties properties,
            ReadOnlyMemory<byte> body,
            CancellationToken cancellationToken = default)
        {
            _delivered.TrySetResult(deliveryTag);
            return Task.CompletedTask;
        }

        public override Task HandleChannelShutdownAsync(object channel, ShutdownEventArgs reason)
        {
            _delivered.TrySetException(new AlreadyClosedException(reason));
            return base.HandleChannelShutdownAsync(channel, reason);
        }
    }
}
