using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Notifications.Worker.Messaging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace Notifications.Worker.Faults.Queues;

/// <summary>One look at a queue of RabbitMQ.</summary>
/// <remarks>
/// <para>
/// Reads as a consumer does (on a quorum queue, <c>basic.get</c> takes longer the more is held already), by one consumer
/// after the other: what one of them may hold bounds what is in memory here.
/// </para>
/// <para>
/// Puts back by <c>basic.nack</c>, which RabbitMQ 4.3 does not count towards a quorum queue's delivery limit. What was put
/// back before comes first in a quorum queue, and what is put back now comes after all of that: so a look that takes one
/// such message takes all of them. In a classic queue a message has its place for good.
/// </para>
/// </remarks>
internal sealed class RabbitMqFaultSession(IConnection connection, IChannel channel, Republisher republisher, string queue, QueueType queueType, long count, Func<Task> onEnd) : IFaultSession
{
    /// <summary>How many messages the first consumer may hold: enough for a page.</summary>
    private const ushort FirstHold = 100;

    /// <summary>How many messages each of the others may hold.</summary>
    private const ushort NextHold = 2_000;

    /// <summary>
    /// A quorum queue takes back up to 32 messages at a time in their order, and more in no order at all.
    /// </summary>
    private const int PutBackAtOnce = 32;

    /// <summary>How long the broker may take for the next message before the queue counts as read.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly List<Consumer> _consumers = [];
    private long _delivered;
    private long _completed;

    public long Count => count;

    /// <summary>What is left of the messages that the session found.</summary>
    public long Remaining => Math.Max(0, count - Interlocked.Read(ref _completed));

    public async IAsyncEnumerable<HeldFault> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Consumer? consumer = null;
        try
        {
            // No further than what was there at first: what comes in meanwhile may be what was just replayed.
            while (_delivered < count)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var isFull = consumer is null || consumer.IsFull;
                if (consumer is not null && consumer.Deliveries.TryRead(out var held))
                {
                    _delivered++;
                    yield return held;
                }
                else if (isFull)
                {
                    await CancelAsync(consumer);
                    consumer = await ConsumeAsync(consumer is null ? FirstHold : NextHold, cancellationToken);
                }
                else if (!await WaitForNextAsync(consumer!, cancellationToken))
                {
                    yield break;
                }
            }
        }
        finally
        {
            await CancelAsync(consumer);
        }
    }

    public async Task SendAsync(HeldFault held, string queue, FaultMessage message, CancellationToken cancellationToken)
    {
        var properties = new BasicProperties(((Held)held).Properties)
        {
            MessageId = message.MessageId,
            ContentType = message.ContentType,
            Headers = new Dictionary<string, object?>(message.Headers),
        };

        // Over a channel of its own: what the broker refuses must not end this session.
        await republisher.PublishAsync(connection, exchange: queue, properties, message.Body, cancellationToken);
    }

    public async Task CompleteAsync(HeldFault held, CancellationToken cancellationToken)
    {
        var tag = ((Held)held).DeliveryTag;
        await channel.BasicAckAsync(tag, multiple: false, cancellationToken);
        ((Held)held).Consumer.LetGo(tag);
        Interlocked.Increment(ref _completed);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (channel.IsOpen)
            {
                await TakeInReturnedAsync();
                await PutBackAsync();
            }
        }
        finally
        {
            try
            {
                await channel.DisposeAsync();
            }
            finally
            {
                await onEnd();
            }
        }
    }

    private async Task TakeInReturnedAsync()
    {
        if (queueType == QueueType.Quorum && _consumers.Count > 0 && _consumers[^1].LastWasReturned)
        {
            await foreach (var held in ReadAsync(CancellationToken.None))
            {
                if (!((Held)held).WasReturned)
                {
                    break;
                }
            }
        }
    }

    /// <remarks>
    /// Waits for the queue to count each portion: RabbitMQ makes one portion of those that wait for each other, and a
    /// channel that closes on portions under way counts them towards the delivery limit.
    /// </remarks>
    private async Task PutBackAsync()
    {
        var ready = await CountReadyAsync();
        foreach (var portion in _consumers.SelectMany(consumer => consumer.GetHeld().Chunk(queueType == QueueType.Quorum ? PutBackAtOnce : int.MaxValue)))
        {
            await channel.BasicNackAsync(portion[^1], multiple: true, requeue: true);

            var (before, waiting) = (ready, Stopwatch.StartNew());
            do
            {
                ready = await CountReadyAsync();
            }
            while (ready < before + portion.Length && waiting.Elapsed < Patience);
        }

        // Everything that came in since, where new messages go on coming.
        await channel.BasicNackAsync(0, multiple: true, requeue: true);
    }

    private async Task<uint> CountReadyAsync() => (await channel.QueueDeclarePassiveAsync(queue)).MessageCount;

    private async Task<Consumer> ConsumeAsync(ushort hold, CancellationToken cancellationToken)
    {
        var consumer = new Consumer(channel, hold);
        _consumers.Add(consumer);
        await channel.BasicQosAsync(prefetchSize: 0, hold, global: false, cancellationToken);
        await channel.BasicConsumeAsync(queue, autoAck: false, consumerTag: consumer.Tag, consumer, cancellationToken);
        return consumer;
    }

    /// <remarks>
    /// First takes in everything that is on its way. RabbitMQ's answer to a cancellation overtakes deliveries, and those
    /// that come in after it are put back by nobody in their order.
    /// </remarks>
    private async Task CancelAsync(Consumer? consumer)
    {
        if (consumer is null || !channel.IsOpen)
        {
            return;
        }

        bool isFull;
        do
        {
            isFull = consumer.IsFull;
            while (consumer.Deliveries.TryRead(out _))
            {
                _delivered++;
            }
        }
        while (!isFull && _delivered < count && await WaitForNextAsync(consumer, CancellationToken.None));

        if (channel.IsOpen)
        {
            await channel.BasicCancelAsync(consumer.Tag, noWait: false, CancellationToken.None);
        }
    }

    /// <returns>Whether there is a next one.</returns>
    private static async Task<bool> WaitForNextAsync(Consumer consumer, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Patience);
        try
        {
            return await consumer.Deliveries.WaitToReadAsync(timeout.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Takes as many messages as it may hold, and others only for those that are completed.</summary>
    private sealed class Consumer : AsyncDefaultBasicConsumer
    {
        // Never full: to wait would hold up the confirms that whoever reads is waiting for.
        private readonly Channel<Held> _deliveries = System.Threading.Channels.Channel.CreateUnbounded<Held>();
        private readonly SortedSet<ulong> _held = [];
        private readonly ushort _hold;

        public Consumer(IChannel channel, ushort hold)
            : base(channel) => _hold = hold;

        public string Tag { get; } = Guid.NewGuid().ToString("N");

        public ChannelReader<Held> Deliveries => _deliveries.Reader;

        /// <summary>Whether the last message that came in had been put back before.</summary>
        public bool LastWasReturned { get; private set; }

        /// <summary>Whether it gets no more until something that it holds is completed.</summary>
        public bool IsFull
        {
            get
            {
                lock (_held)
                {
                    return _held.Count >= _hold;
                }
            }
        }

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
            // The body's memory is the client's again when this returns.
            var message = new FaultMessage(
                body.ToArray(),
                properties.ContentType,
                properties.Headers?.AsReadOnly() ?? new Dictionary<string, object?>().AsReadOnly(),
                properties.MessageId);
            lock (_held)
            {
                _deliveries.Writer.TryWrite(new Held(message, deliveryTag, redelivered, properties, this));
                _held.Add(deliveryTag);
                LastWasReturned = redelivered;
            }

            return Task.CompletedTask;
        }

        public override Task HandleChannelShutdownAsync(object channel, ShutdownEventArgs reason)
        {
            // Whoever reads must not take it for the end of the queue.
            _deliveries.Writer.TryComplete(new AlreadyClosedException(reason));
            return base.HandleChannelShutdownAsync(channel, reason);
        }

        public void LetGo(ulong deliveryTag)
        {
            lock (_held)
            {
                _held.Remove(deliveryTag);
            }
        }

        /// <summary>What it holds, in the order of the queue.</summary>
        public ulong[] GetHeld()
        {
            lock (_held)
            {
                return [.. _held];
            }
        }
    }

    private sealed class Held(FaultMessage message, ulong deliveryTag, bool wasReturned, IReadOnlyBasicProperties properties, Consumer consumer)
        : HeldFault(message)
    {
        public ulong DeliveryTag { get; } = deliveryTag;

        public bool WasReturned { get; } = wasReturned;

        public IReadOnlyBasicProperties Properties { get; } = properties;

        public Consumer Consumer { get; } = consumer;
    }
}
