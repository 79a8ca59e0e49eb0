using MassTransit;
using RabbitMQ.Client;

namespace Orders.Messaging;

/// <summary>When a message was sent, as AMQP says it: the property <c>timestamp</c>.</summary>
public static class SentTime
{
    /// <summary>When the message was sent for the first time; <c>null</c> where nothing says so, or nonsense.</summary>
    public static DateTimeOffset? GetSentAt(this ConsumeContext context) =>
        context.TryGetPayload(out RabbitMqBasicConsumeContext? rabbitMq)
        && rabbitMq.Properties.IsTimestampPresent()
        && rabbitMq.Properties.Timestamp.UnixTime is > 0 and var seconds
        && seconds < DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;

    /// <summary>Has a message that is sent on keep its time, or get one where it had none.</summary>
    public static void KeepSentAt(this RabbitMqSendContext send, ConsumeContext context) =>
        send.BasicProperties.Timestamp = new AmqpTimestamp((context.GetSentAt() ?? DateTimeOffset.UtcNow).ToUnixTimeSeconds());
}
