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
/// changes nothing. The broker checks the right first. See docs/adr/0015-rights-on-other-programs-queues.md.
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

    /// <summary>Whether the user may declare a queue that is missing.</summary>
    /// <remarks>With an argument that is refused after the right was checked, so that none comes into being.</remarks>
    public static Task<ProbeAnswer> DeclareAsync(IConnection connection, string queue, CancellationToken cancellationToken) =>
        AskAsync(
            connection,
            async channel =>
            {
                try
                {
                    var arguments = new Dictionary<string, object?> { ["x-max-length"] = "no number" };
                    await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken);
                }
                catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == Constants.PreconditionFailed)
                {
                    // The argument's turn has come.
                }
            },
            cancellationToken);

    /// <summary>Whether the user may consume from a queue.</summary>
    /// <returns><see cref="ProbeAnswer.Allowed"/> where it holds messages, as it is not known then: a consumer would be handed one.</returns>
    public static async Task<ProbeAnswer> ReadAsync(IConnection connection, string queue, CancellationToken cancellationToken)
    {
        uint count = 0;
        var isThere = await AskAsync(connection, async channel => count = await channel.MessageCountAsync(queue, cancellationToken), cancellationToken);
        return isThere == ProbeAnswer.Refused || count > 0 ? isThere : await ConsumeAsync(connection, queue, [], cancellationToken);
    }

    /// <summary>The same of a queue that may hold messages: one that comes goes back.</summary>
    public static Task<ProbeAnswer> ConsumeAsync(IConnection connection, string queue, Dictionary<string, object?> arguments, CancellationToken cancellationToken) =>
        AskAsync(
            connection,
            async channel =>
            {
                await channel.BasicQosAsync(prefetchSize: 0, prefetchCount: 1, global: false, cancellationToken);
                var tag = await channel.BasicConsumeAsync(
                    queue, autoAck: false, consumerTag: "", noLocal: false, exclusive: false, arguments, new AsyncDefaultBasicConsumer(channel), cancellationToken);
                await channel.BasicCancelAsync(tag, noWait: false, cancellationToken);
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
