namespace Orders.Messaging;

/// <summary>The arguments that our queues are declared with on RabbitMQ.</summary>
public static class QueueArguments
{
    /// <summary>
    /// In effect no limit on deliveries. RabbitMQ 4 limits a quorum queue to 20 by default and then drops the
    /// message; to say "no limit" by -1, as 4 would have it, is an error on 3.
    /// </summary>
    private const int NoDeliveryLimit = int.MaxValue;

    /// <summary>For a queue that holds messages until somebody takes them out.</summary>
    public static Dictionary<string, object?> Holding(QueueType type)
    {
        var arguments = new Dictionary<string, object?>();
        if (type == QueueType.Quorum)
        {
            arguments["x-queue-type"] = "quorum";
            arguments["x-delivery-limit"] = NoDeliveryLimit;
        }

        return arguments;
    }

    /// <summary>For a queue whose messages say nothing but that they came: it keeps the newest few.</summary>
    public static Dictionary<string, object?> Signalling(int length)
    {
        var arguments = Holding(QueueType.Quorum);
        arguments["x-max-length"] = length;
        return arguments;
    }

    /// <summary>
    /// For a queue that hands its expired messages on to another one, and loses none on the way: a quorum queue
    /// lets go of a message only when the other has confirmed it
    /// (https://www.rabbitmq.com/docs/quorum-queues#dead-lettering).
    /// </summary>
    public static Dictionary<string, object?> DeadLetterTo(string queue, QueueType type)
    {
        var arguments = Holding(type);
        arguments["x-dead-letter-exchange"] = "";
        arguments["x-dead-letter-routing-key"] = queue;
        if (type == QueueType.Quorum)
        {
            arguments["x-dead-letter-strategy"] = "at-least-once";
            // What at-least-once demands; without a length limit nothing is ever rejected.
            arguments["x-overflow"] = "reject-publish";
        }

        return arguments;
    }
}
