using System.Runtime.CompilerServices;
using System.Threading.Channels;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Notifications.Worker.Faults;

/// <summary>One look at a queue of RabbitMQ: at its first 65,535 messages, the most that a consumer can hold.</summary>
/// <remarks>
/// <para>Reads as a consumer does: on a quorum queue, <c>basic.get</c> takes longer the more is held already.</para>
/// <para>
/// Puts back by <c>basic.nack</c>, which RabbitMQ 4.3 does not count towards a quorum queue's delivery limit. The
/// messages of a quorum queue keep their order, but on RabbitMQ 3 only while they are few.
/// </para>
/// </remarks>
internal sealed class RabbitMqFaultSession(IConnection connection, IChannel channel, string queue, long count) : IFaultSession
{
    /// <summary>
    /// A quorum queue takes back up to 32 messages at a time in their order, and more in no order at all. A classic
    /// queue keeps any order, but one message at a time it takes minutes for thousands.
    /// </summary>
    private const int PutBackAtOnce = 32;

    /// <summary>How long the broker may take for the next message before the queue counts as read.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Channel<Held> _deliveries = Channel.CreateUnbounded<Held>();
    private ulong _lastDeliveryTag;

    public async IAsyncEnumerable<HeldFault> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await channel.BasicQosAsync(prefetchSize: 0, prefetchCount: ushort.MaxValue, global: false, cancellationToken);
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += KeepAsync;
        var consumerTag = await channel.BasicConsumeAsync(queue, autoAck: false, consumer, cancellationToken);
        try
        {
            // No further than what was there at first: what comes in meanwhile may be what was just replayed.
            for (var read = 0L; read < count && await NextAsync(cancellationToken) is { } held; read++)
            {
                yield return held;
            }
        }
        finally
        {
            if (channel.IsOpen)
            {
                await channel.BasicCancelAsync(consumerTag, noWait: false, CancellationToken.None);
            }
        }
    }

    public async Task SendAsync(HeldFault held, string queue, FaultMessage message, CancellationToken cancellationToken)
    {
        var properties = new BasicProperties(((Held)held).Properties)
        {
            Headers = new Dictionary<string, object?>(message.Headers),
            Persistent = true,
        };
        properties.ClearExpiration();

        // Mandatory and with confirms tracked: completes when the message is safe in the queue, throws otherwise.
        await channel.BasicPublishAsync(exchange: "", routingKey: queue, mandatory: true, properties, message.Body, cancellationToken);
    }

    public async Task CompleteAsync(HeldFault held, CancellationToken cancellationToken) =>
        await channel.BasicAckAsync(((Held)held).DeliveryTag, multiple: false, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        for (var tag = 0UL; channel.IsOpen && tag < _lastDeliveryTag;)
        {
            tag = Math.Min(tag + PutBackAtOnce, _lastDeliveryTag);
            await channel.BasicNackAsync(tag, multiple: true, requeue: true);
        }

        await channel.DisposeAsync();
        await connection.DisposeAsync();
    }

    private Task KeepAsync(object sender, BasicDeliverEventArgs delivery)
    {
        _lastDeliveryTag = delivery.DeliveryTag;
        // Never full: to wait here would hold up the confirms that whoever reads is waiting for.
        _deliveries.Writer.TryWrite(new Held(delivery));
        return Task.CompletedTask;
    }

    private async Task<Held?> NextAsync(CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Patience);
        try
        {
            return await _deliveries.Reader.ReadAsync(timeout.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <remarks>Copies the body, whose memory is the client's again when the delivery has been handled.</remarks>
    private sealed class Held(BasicDeliverEventArgs delivery) : HeldFault(new FaultMessage(
        delivery.Body.ToArray(),
        delivery.BasicProperties.ContentType,
        delivery.BasicProperties.Headers?.AsReadOnly() ?? new Dictionary<string, object?>().AsReadOnly()))
    {
        public ulong DeliveryTag { get; } = delivery.DeliveryTag;

        public IReadOnlyBasicProperties Properties { get; } = delivery.BasicProperties;
    }
}
