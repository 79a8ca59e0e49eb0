using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Orders.Testing.Brokers;

/// <summary>A real RabbitMQ. Each fixture works in a virtual host of its own.</summary>
public abstract class RabbitMqBroker : IAsyncDisposable
{
    /// <summary>Arguments for Erlang of every broker that is made from now on, beside its own.</summary>
    public static string ErlangArguments { get; set; } = "";

    /// <summary>Its address; those of the nodes, with their ports, where it is a cluster.</summary>
    public abstract string Host { get; }

    public abstract int Port { get; }

    public abstract string Username { get; }

    public abstract string Password { get; }

    /// <summary>As the broker itself says, such as <c>3.10.8</c>; known once it has been started.</summary>
    public string Version { get; private set; } = "";

    /// <summary>Starts the broker, for the first time or again with the same data on the same port; returns when it takes connections.</summary>
    public async Task StartAsync()
    {
        await StartServerAsync();
        await using var connection = await ConnectAsync("/");
        Version = Encoding.UTF8.GetString((byte[])connection.ServerProperties!["version"]!);
    }

    /// <summary>
    /// Ends the broker at once, as a power cut would; returns when it is gone. Confirmed messages are there again after
    /// the next start, except on a quorum queue that is a moment old: see <see cref="SaveQueuesAsync"/>.
    /// </summary>
    public abstract Task KillAsync();

    /// <summary>
    /// Has the broker write down which queues it has. It does so by itself, but up to a second after it has confirmed
    /// the declaration: killed before that, RabbitMQ 3.10.8 leaves the last quorum queue without a leader for ever, and
    /// 4.3.6 loses its confirmed messages.
    /// </summary>
    public Task SaveQueuesAsync() => RunCtlAsync("eval", "[ok = dets:sync(Table) || Table <- dets:all()].");

    /// <summary>Runs <c>rabbitmqctl</c> (about a second) and returns what it wrote.</summary>
    public abstract Task<string> RunCtlAsync(params IEnumerable<string> arguments);

    /// <summary>Its management API, as the tests' user.</summary>
    public BrokerManagement Management => new(ManagementHost, ManagementPort, Username, Password);

    /// <summary>Makes an empty virtual host that the broker's user may do everything in, and returns its name.</summary>
    public virtual async Task<string> CreateVirtualHostAsync()
    {
        var name = $"test-{Guid.NewGuid():N}";
        await Management.AddVirtualHostAsync(name);
        await Management.SetPermissionsAsync(name, Username);
        return name;
    }

    /// <summary>Deletes a virtual host with all that is in it.</summary>
    public virtual Task DeleteVirtualHostAsync(string name) => Management.DeleteVirtualHostAsync(name);

    /// <summary>
    /// Connects as the tests' user, without recovery: when the broker goes, the connection is closed for good. A virtual
    /// host that does not exist shows only at the first channel: the client does not await the broker's answer.
    /// </summary>
    public Task<IConnection> ConnectAsync(string virtualHost) => ConnectAsync(virtualHost, Username, Password);

    /// <summary>The same as another user.</summary>
    public Task<IConnection> ConnectAsync(string virtualHost, string username, string password) => new ConnectionFactory
    {
        UserName = username,
        Password = password,
        VirtualHost = virtualHost,
        AutomaticRecoveryEnabled = false,
    }.CreateConnectionAsync(Host.Split(',').Select(host => AmqpTcpEndpoint.Parse(host.Contains(':', StringComparison.Ordinal) ? host : $"{host}:{Port}")), nameof(Testing));

    /// <summary>Settings of a program, by the names of their environment variables, to use a virtual host as the tests' user.</summary>
    /// <param name="virtualHost">The virtual host.</param>
    /// <param name="port">The port of a way to the broker; the broker's own by default.</param>
    public (string Name, string Value)[] SettingsFor(string virtualHost, int? port = null) =>
    [
        ("Messaging__Transport", "RabbitMq"),
        ("RabbitMq__Host", Host),
        ("RabbitMq__Port", $"{port ?? Port}"),
        ("RabbitMq__VirtualHost", virtualHost),
        ("RabbitMq__Username", Username),
        ("RabbitMq__Password", Password),
    ];

    /// <summary>How many messages are ready in a queue, not counting those that a consumer holds; <c>null</c> where there is no such queue.</summary>
    public async Task<uint?> CountMessagesAsync(string virtualHost, string queue)
    {
        await using var connection = await ConnectAsync(virtualHost);
        await using var channel = await connection.CreateChannelAsync();
        try
        {
            return await channel.MessageCountAsync(queue);
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == Constants.NotFound)
        {
            return null;
        }
    }

    public abstract ValueTask DisposeAsync();

    /// <summary>The host of the management plug-in.</summary>
    protected virtual string ManagementHost => Host;

    /// <summary>The port of the management plug-in.</summary>
    protected internal abstract int ManagementPort { get; }

    protected abstract Task StartServerAsync();
}
