using Orders.Testing.Machine;

namespace Orders.Testing.Brokers;

/// <summary>RabbitMQ in a container, of the version that <c>compose.yaml</c> deploys, its ports on loopback.</summary>
/// <param name="tls">A second port, with TLS; by default there is none.</param>
/// <param name="onHostNetwork">
/// Whether it shares the machine's network, for which there must be no <paramref name="tls"/>, see
/// <see cref="ContainerEngine.SharesNetworkAsync"/>. Else its ports are published: then a program of the engine's copies every byte.
/// </param>
public sealed class ContainerBroker(BrokerTls? tls = null, bool onHostNetwork = false) : RabbitMqBroker
{
    /// <summary>The image that <c>compose.yaml</c> deploys.</summary>
    public const string Image = "rabbitmq:4.3.6-management";

    private const string CertificatesFolder = "/certificates";
    private const string TlsConfiguration = "tls.conf";

    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan CommandTime = TimeSpan.FromMinutes(3);

    private readonly string _name = $"orders-tests-rabbitmq-{Guid.NewGuid():N}";
    private readonly LoopbackNode _node = new();
    private bool _created;
    private Server? _server;

    public override string Host => LoopbackNode.Host;

    public override int Port => _node.Port;

    /// <summary>Where the plug-in for Prometheus answers.</summary>
    public int MetricsPort => _node.MetricsPort;

    public override string Username => "tests";

    public override string Password => "tests";

    public override async Task KillAsync()
    {
        if (_server is not null)
        {
            await ContainerEngine.RunAsync(["kill", _name], CommandTime);
            await _server.DisposeAsync();
            _server = null;
        }
    }

    public override Task<string> RunCtlAsync(params IEnumerable<string> arguments) =>
        ContainerEngine.RunAsync(["exec", _name, "rabbitmqctl", "--quiet", .. arguments], CommandTime);

    public override async ValueTask DisposeAsync()
    {
        if (_created)
        {
            await ContainerEngine.RunAsync(["rm", "--force", "--volumes", _name], CommandTime);
        }

        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    protected internal override int ManagementPort => _node.ManagementPort;

    protected override async Task StartServerAsync()
    {
        if (!_created)
        {
            await ContainerEngine.RunAsync(
                [
                    "create", "--name", _name, .. NetworkOptions(),
                    "--env", $"RABBITMQ_DEFAULT_USER={Username}", "--env", $"RABBITMQ_DEFAULT_PASS={Password}",
                    .. await TlsOptionsAsync(), Image,
                ],
                CommandTime);
            _created = true;
        }

        _server = await Server.StartAsync("docker", ["start", "--attach", _name], TestBrokers.IsReadyLine, StartTime);
    }

    private string[] NetworkOptions() => onHostNetwork
        ? ["--network", "host", .. _node.Environment.SelectMany(variable => new[] { "--env", $"{variable.Key}={variable.Value}" })]
        : ["--hostname", "rabbitmq", "--env", $"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS={ErlangArguments}", "--publish", $"{Host}:{Port}:5672", "--publish", $"{Host}:{ManagementPort}:15672", "--publish", $"{Host}:{MetricsPort}:15692"];

    private async Task<string[]> TlsOptionsAsync()
    {
        if (tls is null)
        {
            return [];
        }

        var configuration = Path.Combine(tls.Folder, TlsConfiguration);
        await File.WriteAllTextAsync(configuration, tls.Configure("5671", CertificatesFolder));
        return
        [
            "--publish", $"{Host}:{tls.Port}:5671",
            "--volume", $"{tls.Folder}:{CertificatesFolder}:ro",
            "--volume", $"{configuration}:/etc/rabbitmq/conf.d/20-{TlsConfiguration}:ro",
        ];
    }
}
