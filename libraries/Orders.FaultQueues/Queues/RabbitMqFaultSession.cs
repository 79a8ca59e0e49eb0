using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Orders.Messaging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace Orders.FaultQueues.Queues;

/// <summary>One look at a queue of RabbitMQ.</summary>
/// <remarks>
/// <para>
/// Reads as a consumer does (on a quorum queue, <c>basic.get</c> takes longer the more is held already), in batches: the
/// size of a batch bounds what is in memory here. The broker keeps what was read for as long as the look lasts.
/// </para>
/// <para>
/// Each batch has a channel of its own, by which it is put back in its order, however long it is. From RabbitMQ 4 on, that is
/// one <c>basic.nack</c>, which 4.3 does not count towards a quorum queue's delivery limit. RabbitMQ 3.10 brings more than 32
/// messages of one <c>nack</c> back in no order, but not those of a channel that closes; and it counts both.
/// </para>
/// <para>
/// RabbitMQ gathers more than about thirty acknowledgements of one channel until a quorum queue has caught up, and drops what
/// it has gathered when the channel closes: what was moved would come back. Cancelling the consumer passes them on. So a
/// batch is cancelled when all of it is completed that is going to be, and nothing of it is completed after that.
/// </para>
/// <para>
/// What was put back before comes first in a quorum queue, and what is put back now comes after all of that: so a look that
/// takes one such message takes all of them. In a classic queue a message has its place for good.
/// </para>
/// </remarks>
/// <param name="connection">For the channels of the batches, and of what is sent on.</param>
/// <param name="channel">For everything that is about no batch.</param>
/// <param name="sender">Sends messages on.</param>
/// <param name="queue">The queue.</param>
/// <param name="queueType">Its type.</param>
/// <param name="count">How many messages it holds.</param>
/// <param name="rights">Are told of a refusal to read.</param>
/// <param name="notToMove">Why nothing may be moved; <c>null</c> where it may.</param>
/// <param name="onEnd">Runs when everything is back.</param>
internal sealed class RabbitMqFaultSession(
    IConnection connection,
    IChannel channel,
    RabbitMqFaultSender sender,
    string queue,
    QueueType queueType,
    long count,
    RabbitMqFaultRights rights,
    Exception? notToMove,
    Func<Task> onEnd) : IFaultSession
{
    /// <summary>How many messages the first batch holds; from then on their size is known.</summary>
    private const int FirstBatch = 100;

    /// <summary>A batch of ordinary faults.</summary>
    private const int LargestBatch = 1_000;

    /// <summary>A batch of very large ones: a connection has about two thousand channels.</summary>
    private const int SmallestBatch = 10;

    /// <summary>How many bytes a batch should hold, going by the one before it.</summary>
    private const long BytesInBatch = 4 * 1024 * 1024;

    /// <summary>How long the broker may take for the next message before the queue counts as read.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly List<Batch> _batches = [];
    private long _delivered;
    private long _completed;

    public long Count => count;

    /// <summary>What is left of the messages that the session found.</summary>
    public long Remaining => Math.Max(0, count - Interlocked.Read(ref _completed));

    public bool CompletesBeforeNext => _batches is [.., { IsFull: true, Deliveries.Count: 0 }];

    public async IAsyncEnumerable<HeldFault> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Batch? batch = null;
        // No further than what was there at first: what comes in meanwhile may be what was just replayed.
        while (_delivered < count)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await SettleAsync(cancellationToken);
            var isFull = batch is null || batch.IsFull;
            if (batch is not null && batch.Deliveries.TryRead(out var held))
            {
                _delivered++;
                yield return held;
            }
            else if (isFull)
            {
                await EndLastAsync();
                batch = await BeginAsync(cancellationToken);
            }
            else if (!await WaitForNextAsync(batch!, cancellationToken))
            {
                yield break;
            }
        }
    }

    public async Task SendAsync(HeldFault held, string queue, FaultMessage message, CancellationToken cancellationToken)
    {
        RequireLock();
        var properties = new BasicProperties(((Held)held).Properties)
        {
            MessageId = message.MessageId,
            ContentType = message.ContentType,
            Headers = new Dictionary<string, object?>(message.Headers),
        };

        // Over a channel of its own: what the broker refuses must not end this session.
        await sender.SendAsync(connection, queue, properties, message.Body, cancellationToken);
    }

    public async Task CompleteAsync(HeldFault held, CancellationToken cancellationToken)
    {
        RequireLock();
        var (batch, tag) = (((Held)held).Batch, ((Held)held).DeliveryTag);
        await batch.Channel.BasicAckAsync(tag, multiple: false, cancellationToken);
        batch.LetGo();
        batch.IsSettled = false;
        Interlocked.Increment(ref _completed);
    }

    private void RequireLock()
    {
        if (notToMove is not null)
        {
            throw notToMove;
        }
    }

    /// <summary>
    /// Has the broker take in what was completed before more is read. It works on each channel by itself: else it may take the next
    /// messages that are sent on before the acknowledgements of the last ones, and a crash would double both.
    /// </summary>
    private async Task SettleAsync(CancellationToken cancellationToken)
    {
        if (_batches is [.., { IsSettled: false, Channel.IsOpen: true } batch])
        {
            batch.IsSettled = true;
            // Changes nothing, but is answered when all before it is done.
            await batch.SetPrefetchAsync(cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (channel.IsOpen && _batches.TrueForAll(batch => batch.Channel.IsOpen))
            {
                await EndLastAsync();
                await TakeInReturnedAsync();
                await EndLastAsync();
                await PutBackAsync();
            }
        }
        finally
        {
            try
            {
                foreach (var open in _batches.Select(batch => batch.Channel).Append(channel))
                {
                    await open.DisposeAsync();
                }
            }
            finally
            {
                await onEnd();
            }
        }
    }

    private async Task TakeInReturnedAsync()
    {
        if (queueType == QueueType.Quorum && _batches.Count > 0 && _batches[^1].LastWasReturned)
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
    /// Waits for the queue to count each batch before the next one: what comes by two channels has no order. And a channel
    /// that closes on a <c>nack</c> under way counts it towards the delivery limit.
    /// </remarks>
    private async Task PutBackAsync()
    {
        var ready = await CountReadyAsync();
        foreach (var batch in _batches.Where(batch => batch.HeldCount > 0))
        {
            var (before, held, waiting) = (ready, batch.HeldCount, Stopwatch.StartNew());
            if (NackKeepsOrder)
            {
                await batch.Channel.BasicNackAsync(batch.LastTag, multiple: true, requeue: true);
            }
            else
            {
                await batch.Channel.CloseAsync();
            }

            do
            {
                ready = await CountReadyAsync();
            }
            while (ready < before + held && waiting.Elapsed < Patience);
        }
    }

    private bool NackKeepsOrder =>
        connection.ServerProperties?.TryGetValue("version", out var version) != true || version is not byte[] text || !text.AsSpan().StartsWith("3."u8);

    private async Task<uint> CountReadyAsync() => (await channel.QueueDeclarePassiveAsync(queue)).MessageCount;

    private async Task<Batch> BeginAsync(CancellationToken cancellationToken)
    {
        var size = _batches.Count == 0 ? FirstBatch : (int)Math.Clamp(BytesInBatch / _batches[^1].MeanSize, SmallestBatch, LargestBatch);
        var batch = new Batch(await connection.CreateChannelAsync(cancellationToken: cancellationToken), size);
        _batches.Add(batch);
        await batch.SetPrefetchAsync(cancellationToken);
        try
        {
            await batch.Channel.BasicConsumeAsync(queue, autoAck: false, consumerTag: batch.Tag, batch, cancellationToken);
        }
        catch (OperationInterruptedException exception) when (exception.IsRightMissing())
        {
            throw rights.RefusedToRead(queue);
        }

        batch.IsEnded = false;
        return batch;
    }

    /// <remarks>
    /// First takes in everything that is on its way. RabbitMQ's answer to a cancellation overtakes deliveries, and those
    /// that come in after it are put back by nobody in their order.
    /// </remarks>
    private async Task EndLastAsync()
    {
        if (_batches is not [.., { IsEnded: false, Channel.IsOpen: true } batch])
        {
            return;
        }

        bool isFull;
        do
        {
            isFull = batch.IsFull;
            while (batch.Deliveries.TryRead(out _))
            {
                _delivered++;
            }
        }
        while (!isFull && _delivered < count && await WaitForNextAsync(batch, CancellationToken.None));

        if (batch.Channel.IsOpen)
        {
            await batch.Channel.BasicCancelAsync(batch.Tag, noWait: false, CancellationToken.None);
            batch.IsEnded = true;
        }
    }

    /// <returns>Whether there is a next one.</returns>
    private static async Task<bool> WaitForNextAsync(Batch batch, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Patience);
        try
        {
            return await batch.Deliveries.WaitToReadAsync(timeout.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>A consumer that takes as many messages as it may hold, and others only for those that are completed.</summary>
    private sealed class Batch(IChannel channel, int size) : AsyncDefaultBasicConsumer(channel)
    {
        // Never full: to wait would hold up the channel's other answers.
        private readonly Channel<Held> _deliveries = System.Threading.Channels.Channel.CreateUnbounded<Held>();
        private readonly Lock _lock = new();
        private int _held;
        private long _received;
        private long _bytes;

        public string Tag { get; } = Guid.NewGuid().ToString("N");

        public ChannelReader<Held> Deliveries => _deliveries.Reader;

        /// <summary>Whether the broker has taken in every acknowledgement.</summary>
        public bool IsSettled { get; set; } = true;

        /// <summary>Whether it gets no more, or nothing yet.</summary>
        public bool IsEnded { get; set; } = true;

        /// <summary>Whether the last message that came in had been put back before.</summary>
        public bool LastWasReturned { get; private set; }

        /// <summary>The delivery tag of that message.</summary>
        public ulong LastTag { get; private set; }

        /// <summary>How many messages it holds.</summary>
        public int HeldCount
        {
            get
            {
                lock (_lock)
                {
                    return _held;
                }
            }
        }

        /// <summary>Whether it gets no more until something that it holds is completed.</summary>
        public bool IsFull => HeldCount >= size;

        /// <summary>The mean size of its messages in bytes.</summary>
        public long MeanSize
        {
            get
            {
                lock (_lock)
                {
                    return Math.Max(1, _bytes / Math.Max(1, _received));
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
            var message = FaultMessage.Of(properties, body.ToArray());
            lock (_lock)
            {
                _held++;
                _received++;
                _bytes += body.Length + message.Headers.Values.OfType<byte[]>().Sum(value => value.Length);
                (LastTag, LastWasReturned) = (deliveryTag, redelivered);
                _deliveries.Writer.TryWrite(new Held(message, deliveryTag, redelivered, properties, this));
            }

            return Task.CompletedTask;
        }

        public override Task HandleChannelShutdownAsync(object channel, ShutdownEventArgs reason)
        {
            // Whoever reads must not take it for the end of the queue.
            _deliveries.Writer.TryComplete(new AlreadyClosedException(reason));
            return base.HandleChannelShutdownAsync(channel, reason);
        }

        public Task SetPrefetchAsync(CancellationToken cancellationToken) =>
            Channel.BasicQosAsync(prefetchSize: 0, (ushort)size, global: false, cancellationToken);

        public void LetGo()
        {
            lock (_lock)
            {
                _held--;
            }
        }
    }

    private sealed class Held(FaultMessage message, ulong deliveryTag, bool wasReturned, IReadOnlyBasicProperties properties, Batch batch)
        : HeldFault(message)
    {
        public ulong DeliveryTag { get; } = deliveryTag;

        public bool WasReturned { get; } = wasReturned;

        public IReadOnlyBasicProperties Properties { get; } = properties;

        public Batch Batch { get; } = batch;
    }
}
