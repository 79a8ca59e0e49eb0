using System.ComponentModel.DataAnnotations;
using RabbitMQ.Client;

namespace Notifications.Worker.Messaging;

/// <summary>Section <c>RabbitMq</c>: the broker, where <see cref="MessagingOptions.Transport"/> is <see cref="Transport.RabbitMq"/>.</summary>
public sealed class RabbitMqOptions
{
    public const string Section = "RabbitMq";

    [Required(ErrorMessage = "RabbitMq__Host is required when Messaging__Transport is RabbitMq.")]
    public string? Host { get; set; }

    [Range(1, ushort.MaxValue, ErrorMessage = "RabbitMq__Port must be between 1 and 65535.")]
    public int Port { get; set; } = 5672;

    [Required(ErrorMessage = "RabbitMq__VirtualHost must not be empty; the broker's default is '/'.")]
    public string VirtualHost { get; set; } = "/";

    [Required(ErrorMessage = "RabbitMq__Username is required when Messaging__Transport is RabbitMq.")]
    public string? Username { get; set; }

    [Required(ErrorMessage = "RabbitMq__Password is required when Messaging__Transport is RabbitMq.")]
    public string? Password { get; set; }

    /// <summary>
    /// Quorum queues are replicated and survive the loss of a node; classic queues are lighter. A queue keeps the
    /// type it was declared with: changing this needs empty queues that are deleted first.
    /// </summary>
    public QueueType QueueType { get; set; } = QueueType.Quorum;

    /// <summary>A factory for connections of our own, beside MassTransit's.</summary>
    internal ConnectionFactory CreateConnectionFactory(string connectionName) => new()
    {
        HostName = Host!,
        Port = Port,
        VirtualHost = VirtualHost,
        UserName = Username!,
        Password = Password!,
        ClientProvidedName = connectionName,
        // Whoever uses the connection must notice that it broke: what was held unacknowledged is back in its queue.
        AutomaticRecoveryEnabled = false,
    };
}

public enum QueueType
{
    Quorum,
    Classic,
}
