using Orders.FaultQueues;
using Orders.Messaging;
using Orders.Testing.Programs;
using RabbitMQ.Client;

namespace Orders.Testing.Faults;

/// <summary>The queues as the programs declare them, and faults in them, without a program.</summary>
internal static class FaultQueueOnBroker
{
    /// <summary>Declares the queue of orders and the two queues of faults.</summary>
    public static async Task DeclareFaultQueuesAsync(this OrderSystem system, QueueType queueType)
    {
        await using var connection = await system.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        var working = QueueArguments.DeadLetterTo(OrderConfirmationEndpoint.ParkingQueue, queueType);
        await DeclareAsync(OrderConfirmationEndpoint.Queue, working);
        await DeclareAsync(OrderConfirmationEndpoint.ErrorQueue, working);
        await DeclareAsync(OrderConfirmationEndpoint.ParkingQueue, QueueArguments.Holding(queueType));

        Task DeclareAsync(string queue, Dictionary<string, object?> arguments) =>
            channel.DeclareWithExchangeAsync(queue, arguments, CancellationToken.None);
    }

    /// <summary>Puts faults into the error queue.</summary>
    public static async Task AddFaultsAsync(this OrderSystem system, IEnumerable<FaultMessage> faults)
    {
        await using var connection = await system.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
        foreach (var portion in faults.Chunk(200))
        {
            await Task.WhenAll(portion.Select(fault => channel.BasicPublishAsync(
                "",
                OrderConfirmationEndpoint.ErrorQueue,
                mandatory: true,
                new BasicProperties
                {
                    Persistent = true,
                    MessageId = fault.MessageId,
                    ContentType = fault.ContentType,
                    Headers = new Dictionary<string, object?>(fault.Headers),
                },
                fault.Body).AsTask()));
        }
    }

    /// <summary>Takes everything out of a queue and returns the ids of the messages.</summary>
    public static async Task<IReadOnlyList<string>> DrainAsync(this OrderSystem system, string queue)
    {
        await using var connection = await system.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        var ids = new List<string>();
        while (await channel.BasicGetAsync(queue, autoAck: true) is { } message)
        {
            ids.Add(message.BasicProperties.MessageId!);
        }

        return ids;
    }
}
