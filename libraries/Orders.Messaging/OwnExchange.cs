using MassTransit.RabbitMqTransport;
using RabbitMQ.Client;

namespace Orders.Messaging;

/// <summary>
/// A queue with an exchange of its own and of its name, as MassTransit's queues have it. The right to write to that exchange
/// is the right to put messages into that one queue; the default exchange leads to every queue there is.
/// </summary>
public static class OwnExchange
{
    /// <summary>Declares both on a channel of our own, durable; does nothing where they are there already.</summary>
    public static async Task DeclareWithExchangeAsync(
        this IChannel channel, string queue, Dictionary<string, object?> arguments, CancellationToken cancellationToken)
    {
        await channel.ExchangeDeclareAsync(queue, ExchangeType.Fanout, durable: true, autoDelete: false, cancellationToken: cancellationToken);
        await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken);
        await channel.QueueBindAsync(queue, exchange: queue, routingKey: "", cancellationToken: cancellationToken);
    }

    /// <summary>The same on a channel of MassTransit's.</summary>
    public static async Task DeclareWithExchangeAsync(this ChannelContext channel, string queue, Dictionary<string, object?> arguments)
    {
        await channel.ExchangeDeclare(queue, ExchangeType.Fanout, durable: true, autoDelete: false, null, channel.CancellationToken);
        await channel.QueueDeclare(queue, durable: true, exclusive: false, autoDelete: false, arguments, channel.CancellationToken);
        await channel.QueueBind(queue, exchange: queue, routingKey: "", null, channel.CancellationToken);
    }
}
