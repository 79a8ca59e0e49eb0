using Orders.Tests.Machine;

namespace Orders.Tests.Brokers;

/// <summary>RabbitMQ in a container, of the version that <c>compose.yaml</c> deploys, its port published on loopback.</summary>
public sealed class ContainerBroker : RabbitMqBroker
{
    /// <summary>The image that <c>compose.yaml</c> deploys.</summary>
    public const string Image = "rabbitmq:4.3.6-management";

    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan CommandTime = TimeSpan.FromMinutes(1);

    private readonly string _name = $"orders-tests-rabbitmq-{Guid.NewGuid():N}";
    private bool _created;
    private Server? _server;

    public override string Host => "127.0.0.1";

    public override int Port { get; } = Ports.Free(1)[0];

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
                    "create", "--name", _name, "--hostname", "rabbitmq", "--publish", $"{Host}:{Port}:5672",
                    "--env", $"RABBITMQ_DEFAULT_USER={Username}", "--env", $"RABBITMQ_DEFAULT_PASS={Password}", Image,
                ],
                CommandTime);
            _created = true;
        }

        _server = await Server.StartAsync("docker", ["start", "--attach", _name], TestBrokers.IsReadyLine, StartTime);
    }
}
