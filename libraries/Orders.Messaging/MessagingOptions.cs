namespace Orders.Messaging;

/// <summary>Section <c>Messaging</c>: what carries the messages.</summary>
public sealed class MessagingOptions
{
    public const string Section = "Messaging";

    public Transport Transport { get; set; } = Transport.InMemory;
}

public enum Transport
{
    /// <summary>Inside one process; what waits in its queues is gone when the process ends. For trying things out.</summary>
    InMemory,

    /// <summary>RabbitMQ 3.10 or newer, as <see cref="RabbitMqOptions"/> says.</summary>
    RabbitMq,
}
