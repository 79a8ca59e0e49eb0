using System.Runtime.CompilerServices;
using RabbitMQ.Client;

namespace Notifications.Worker.Faults;

/// <summary>One look at a queue of RabbitMQ.</summary>
/// <remarks>
/// Reads by <c>basic.get</c> and puts back by <c>basic.nack</c>: RabbitMQ 4.3 counts neither towards a quorum
/// queue's delivery limit, and the messages keep their order.
/// </remarks>
internal sealed class RabbitMqFaultSession(IConnection connection, IChannel channel, string queue, long count) : IFaultSession
{
    private ulong _lastDeliveryTag;

    public async IAsyncEnumerable<HeldFault> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // No further than what was there at first: what comes in meanwhile may be what was just replayed.
        for (var read = 0L; read < count; read++)
        {
            if (await channel.BasicGetAsync(queue, autoAck: false, cancellationToken) is not { } result)
            {
                yield break;
            }

            _lastDeliveryTag = result.DeliveryTag;
            yield return new Held(result);
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
        if (channel.IsOpen && _lastDeliveryTag > 0)
        {
            await channel.BasicNackAsync(_lastDeliveryTag, multiple: true, requeue: true);
        }

        await channel.DisposeAsync();
        await connection.DisposeAsync();
    }

    private sealed class Held(BasicGetResult result) : HeldFault(new FaultMessage(
        result.Body,
        result.BasicProperties.ContentType,
        result.BasicProperties.Headers?.AsReadOnly() ?? new Dictionary<string, object?>().AsReadOnly()))
    {
        public ulong DeliveryTag { get; } = result.DeliveryTag;

        public IReadOnlyBasicProperties Properties { get; } = result.BasicProperties;
    }
}
