using System.ComponentModel.DataAnnotations;
using RabbitMQ.Client;

namespace Orders.Messaging;

/// <summary>Section <c>RabbitMq</c>: the broker, where <see cref="MessagingOptions.Transport"/> is <see cref="Transport.RabbitMq"/>.</summary>
public sealed class RabbitMqOptions : IValidatableObject
{
    public const string Section = "RabbitMq";

    /// <summary>After two of them without a sign of life the other side is taken for dead.</summary>
    internal static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(10);

    /// <summary>
    /// In bytes: as many as RabbitMQ can be set to take at all. The client closes the connection over a larger message, each time that
    /// it is delivered, and takes 64 MiB by itself.
    /// </summary>
    internal const uint LargestMessage = 512 * 1024 * 1024;

    /// <summary>How long a node may take to accept a connection; the next one is asked after that.</summary>
    internal static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The broker's name or address; for a cluster those of its nodes, separated by commas. Each may have a port of
    /// its own, as in <c>rabbitmq-1,rabbitmq-2:5673</c>.
    /// </summary>
    [Required(ErrorMessage = "RabbitMq__Host is required when Messaging__Transport is RabbitMq.")]
    public string? Host { get; set; }

    /// <summary>The port of each node that has none of its own; by default 5672, and 5671 with TLS.</summary>
    [Range(1, ushort.MaxValue, ErrorMessage = "RabbitMq__Port must be between 1 and 65535.")]
    public int? Port { get; set; }

    [Required(ErrorMessage = "RabbitMq__VirtualHost must not be empty; the broker's default is '/'.")]
    public string VirtualHost { get; set; } = "/";

    [Required(ErrorMessage = "RabbitMq__Username is required when Messaging__Transport is RabbitMq.")]
    public string? Username { get; set; }

    [Required(ErrorMessage = "RabbitMq__Password or RabbitMq__PasswordFile is required when Messaging__Transport is RabbitMq.")]
    public string? Password { get; set; }

    /// <summary>A file that holds <see cref="Password"/>.</summary>
    public string? PasswordFile { get; set; }

    /// <summary>How the connections are protected.</summary>
    public RabbitMqTlsOptions Tls { get; set; } = new();

    /// <summary>
    /// Quorum queues are replicated and survive the loss of a node; classic queues are lighter. A queue keeps the
    /// type it was declared with: changing this needs empty queues that are deleted first.
    /// </summary>
    public QueueType QueueType { get; set; } = QueueType.Quorum;

    /// <summary>Who makes the queues, the exchanges and the bindings between them.</summary>
    public Topology Topology { get; set; } = Topology.Declare;

    /// <summary>
    /// The nodes that <see cref="Host"/> names, each with TLS as configured. Certificates are read from their files each
    /// time: a renewed one counts from the next connection on.
    /// </summary>
    /// <exception cref="IOException">A certificate's file cannot be read any more.</exception>
    /// <exception cref="System.Security.Cryptography.CryptographicException">A certificate's file holds none any more.</exception>
    internal IReadOnlyList<AmqpTcpEndpoint> ReadNodes() =>
    [
        .. Host!.Split(',').Select(ParseNode).Select(node => new AmqpTcpEndpoint(
            node!.IdnHost, node.Port < 0 ? Port ?? AmqpTcpEndpoint.UseDefaultPort : node.Port, Tls.ReadSslOption(node.IdnHost))),
    ];

    /// <summary>Opens a connection of our own, beside MassTransit's, to a node that is there.</summary>
    public Task<IConnection> ConnectAsync(string connectionName, CancellationToken cancellationToken) => new ConnectionFactory
    {
        VirtualHost = VirtualHost,
        UserName = Username!,
        Password = Password!,
        RequestedHeartbeat = Heartbeat,
        RequestedConnectionTimeout = ConnectTimeout,
        // Whoever uses the connection must notice that it broke: what was held unacknowledged is back in its queue.
        AutomaticRecoveryEnabled = false,
        MaxInboundMessageBodySize = LargestMessage,
    }.CreateConnectionAsync(ReadNodes(), connectionName, cancellationToken);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var node in Host!.Split(',').Where(node => ParseNode(node) is null))
        {
            yield return new ValidationResult(
                $"RabbitMq__Host must be a host or several separated by commas, each with or without a port, like rabbitmq-1,rabbitmq-2:5673, but one is '{node}'.");
        }

        foreach (var mistake in Tls.FindMistakes())
        {
            yield return new ValidationResult(mistake);
        }
    }

    /// <returns><c>null</c> where it is neither a host nor a host and a port; the port is -1 where there is none.</returns>
    private static Uri? ParseNode(string node) =>
        Uri.TryCreate($"node://{node.Trim()}/", UriKind.Absolute, out var address)
            && address is { Host.Length: > 0, UserInfo: "", PathAndQuery: "/", Fragment: "" }
            && address.Port != 0
            ? address
            : null;
}

public enum QueueType
{
    Quorum,
    Classic,
}

public enum Topology
{
    /// <summary>Each program declares what it needs, whenever it connects; its user needs the right to <c>configure</c>.</summary>
    Declare,

    /// <summary>It was made before, by the command <c>deploy-topology</c>; the program declares nothing, and waits for what is missing.</summary>
    Deployed,
}
