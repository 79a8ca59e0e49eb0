using MassTransit.RabbitMqTransport;

namespace Orders.Messaging.Redelivery;

/// <summary>
/// The delay queues of one receive endpoint: where a stock RabbitMQ keeps messages for a while before they are
/// delivered again. Each distinct delay has a queue whose messages expire after it and are then dead-lettered to
/// the endpoint's queue.
/// </summary>
/// <remarks>
/// One queue for each delay, rather than one queue with a time-to-live on each message: RabbitMQ expires messages
/// at the head of a queue only, so a long delay would hold up the shorter ones behind it
/// (https://www.rabbitmq.com/docs/ttl#per-message-ttl-caveats).
/// </remarks>
public static class DelayQueues
{
    public static string ExchangeName(string endpointQueue) => $"{endpointQueue}_delay";

    public static string QueueName(string endpointQueue, TimeSpan delay) => $"{endpointQueue}_delay_{RoutingKey(delay)}";

    public static string RoutingKey(TimeSpan delay) => ((long)delay.TotalMilliseconds).ToString();

    /// <summary>Declares the exchange and the queues; does nothing where they are there already.</summary>
    public static async Task DeclareAsync(ChannelContext channel, string endpointQueue, IEnumerable<TimeSpan> delays, QueueType queueType)
    {
        await channel.ExchangeDeclare(ExchangeName(endpointQueue), "direct", durable: true, autoDelete: false, null, channel.CancellationToken);

        foreach (var delay in delays.Distinct())
        {
            var queue = QueueName(endpointQueue, delay);
            var arguments = QueueArguments.DeadLetterTo(endpointQueue, queueType);
            arguments["x-message-ttl"] = (long)delay.TotalMilliseconds;

            await channel.QueueDeclare(queue, durable: true, exclusive: false, autoDelete: false, arguments, channel.CancellationToken);
            await channel.QueueBind(queue, ExchangeName(endpointQueue), RoutingKey(delay), null, channel.CancellationToken);
        }
    }
}
