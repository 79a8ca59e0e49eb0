using Orders.Tests.Machine;

namespace Orders.Tests.Brokers;

/// <summary>RabbitMQ in a container, of the version that <c>compose.yaml</c> deploys, its port published on loopback.</summary>
/// <param name="tls">A second port, with TLS; by default there is none.</param>
public sealed class ContainerBroker(BrokerTls? tls = null) : RabbitMqBroker
{
    /// <summary>The image that <c>compose.yaml</c> deploys.</summary>
    public const string Image = "rabbitmq:4.3.6-management";

    private const string CertificatesFolder = "/certificates";
    private const string TlsConfiguration = "tls.conf";

    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan CommandTime = TimeSpan.FromMinutes(1);

    private readonly string _name = $"orders-tests-rabbitmq-{Guid.NewGuid():N}";
    private readonly int[] _ports = Ports.Free(2);
    private bool _created;
    private Server? _server;

    public override string Host => "127.0.0.1";

    public override int Port => _ports[0];

    /// <summary>Where the plug-in for Prometheus answers.</summary>
    public int MetricsPort => _ports[1];

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

    protected override async Task StartServerAsync()
    {
        if (!_created)
        {
            await ContainerEngine.RunAsync(
                [
                    "create", "--name", _name, "--hostname", "rabbitmq", "--publish", $"{Host}:{Port}:5672", "--publish", $"{Host}:{MetricsPort}:15692",
                    "--env", $"RABBITMQ_DEFAULT_USER={Username}", "--env", $"RABBITMQ_DEFAULT_PASS={Password}",
                    .. await TlsOptionsAsync(), Image,
                ],
                CommandTime);
            _created = true;
        }

        _server = await Server.StartAsync("docker", ["start", "--attach", _name], TestBrokers.IsReadyLine, StartTime);
    }

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
