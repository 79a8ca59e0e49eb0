using Orders.Messaging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Orders.FaultQueues.Queues;

/// <summary>What RabbitMQ says to an attempt.</summary>
internal enum ProbeAnswer
{
    /// <summary>It may be done.</summary>
    Allowed,

    /// <summary>The user lacks the right.</summary>
    Refused,

    /// <summary>The user has the right, but there is no such queue or exchange.</summary>
    NotThere,
}

/// <summary>
/// Asks RabbitMQ what its user may do. AMQP has no question for that, so each method begins what it asks about, in a way that
/// changes nothing. The broker checks the right first.
/// </summary>
internal static class BrokerProbe
{
    /// <summary>Whether the user may publish to an exchange; an empty name is the default exchange.</summary>
    /// <remarks>A transaction that is rolled back: nothing is routed, and what is allowed leaves no line in the broker's log.</remarks>
    public static Task<ProbeAnswer> WriteAsync(IConnection connection, string exchange, CancellationToken cancellationToken) =>
        AskAsync(
            connection,
            async channel =>
            {
                await channel.TxSelectAsync(cancellationToken);
                await channel.BasicPublishAsync(exchange, routingKey: "", ReadOnlyMemory<byte>.Empty, cancellationToken);
                await channel.TxRollbackAsync(cancellationToken);
            },
            cancellationToken);

    /// <summary>Whether an exchange is there.</summary>
    /// <returns><see cref="ProbeAnswer.Refused"/> where the user has no right at all to it, and RabbitMQ 4 says nothing.</returns>
    public static Task<ProbeAnswer> ExchangeAsync(IConnection connection, string exchange, CancellationToken cancellationToken) =>
        AskAsync(connection, channel => channel.ExchangeDeclarePassiveAsync(exchange, cancellationToken), cancellationToken);

    /// <summary>Whether a queue is there.</summary>
    /// <returns><see cref="ProbeAnswer.Refused"/> where the user has no right at all to it, and RabbitMQ 4 says nothing.</returns>
    public static Task<ProbeAnswer> QueueAsync(IConnection connection, string queue, CancellationToken cancellationToken) =>
        AskAsync(connection, channel => channel.QueueDeclarePassiveAsync(queue, cancellationToken), cancellationToken);

    /// <summary>Does something on a channel of its own.</summary>
    public static async Task<ProbeAnswer> AskAsync(IConnection connection, Func<IChannel, Task> act, CancellationToken cancellationToken)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        try
        {
            await act(channel);
            return ProbeAnswer.Allowed;
        }
        catch (OperationInterruptedException exception) when (exception.IsRightMissing())
        {
            return ProbeAnswer.Refused;
        }
        catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == Constants.NotFound)
        {
            return ProbeAnswer.NotThere;
        }
    }
}
