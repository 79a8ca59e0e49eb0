using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Orders.Testing.Machine;

namespace Orders.Testing.Brokers;

/// <summary>
/// The machine's own RabbitMQ, as a node of its own: other data, another cookie and other ports than any node that may run
/// there already.
/// </summary>
public sealed class ProgramBroker : RabbitMqBroker
{
    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan CtlTime = TimeSpan.FromMinutes(3);

    private readonly string _scripts;
    private readonly ProgramBroker? _neighbour;
    private readonly BrokerTls? _tls;
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("orders-tests-rabbitmq-");
    private readonly LoopbackNode _node;
    private readonly Dictionary<string, string> _environment;
    private Process? _portMapper;
    private Server? _server;

    /// <param name="scripts">RabbitMQ's folder of scripts, as <see cref="FindScripts"/> finds it.</param>
    /// <param name="neighbour">
    /// A node whose cluster this one joins when it is first started, after it; it must outlive this one. By default it stays by itself.
    /// </param>
    /// <param name="tls">A second port, with TLS; by default there is none.</param>
    public ProgramBroker(string scripts, ProgramBroker? neighbour = null, BrokerTls? tls = null)
    {
        _scripts = scripts;
        _neighbour = neighbour;
        _tls = tls;
        _node = new LoopbackNode(neighbour?._node.PortMapperPort);
        _environment = new(_node.Environment)
        {
            // The cookie is kept there.
            ["HOME"] = (neighbour?._home ?? _home).FullName,
            ["RABBITMQ_MNESIA_BASE"] = InHome("data"),
            ["RABBITMQ_LOG_BASE"] = InHome("log"),
            ["RABBITMQ_LOGS"] = "-",
            ["RABBITMQ_CONFIG_FILE"] = InHome("rabbitmq.conf"),
            ["RABBITMQ_ENABLED_PLUGINS_FILE"] = InHome("enabled_plugins"),
            // A file that is not there, so that the machine's own settings do not count.
            ["RABBITMQ_CONF_ENV_FILE"] = InHome("rabbitmq-env.conf"),
        };
    }

    /// <summary>The node's name in its cluster.</summary>
    public string Node => _node.Name;

    /// <summary>Whether it was started and not killed since.</summary>
    public bool IsRunning => _server is not null;

    public override string Host => LoopbackNode.Host;

    public override int Port => _node.Port;

    public override string Username => "tests";

    public override string Password => "tests";

    /// <summary>
    /// RabbitMQ's own scripts. What is on the <c>PATH</c> may be a distribution's wrapper, which insists on its user
    /// and folders: the real ones have <c>rabbitmq-env</c> beside them.
    /// </summary>
    /// <returns>Their folder, or <c>null</c> where the machine has no RabbitMQ that could be run.</returns>
    public static string? FindScripts()
    {
        if (Needs.FindProgram("epmd") is null)
        {
            return null;
        }

        var onPath = Needs.FindProgram("rabbitmq-server");
        var target = onPath is null ? null : File.ResolveLinkTarget(onPath, returnFinalTarget: true)?.FullName ?? onPath;
        return new[] { Path.GetDirectoryName(target), "/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin" }
            .FirstOrDefault(folder => File.Exists(Path.Combine(folder ?? "", "rabbitmq-env")));
    }

    public override async Task KillAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
            _server = null;
        }
    }

    public override Task<string> RunCtlAsync(params IEnumerable<string> arguments) =>
        Command.RunAsync(Path.Combine(_scripts, "rabbitmqctl"), arguments.Prepend("--quiet"), CtlTime, _environment);

    public override async ValueTask DisposeAsync()
    {
        await KillAsync();
        if (_portMapper is not null)
        {
            _portMapper.Kill();
            await _portMapper.WaitForExitAsync();
            _portMapper.Dispose();
        }

        _home.Delete(recursive: true);
    }

    protected internal override int ManagementPort => _node.ManagementPort;

    protected override async Task StartServerAsync()
    {
        var first = !File.Exists(InHome("rabbitmq.conf"));
        if (first)
        {
            await File.WriteAllTextAsync(
                InHome("rabbitmq.conf"),
                $"""
                default_user = {Username}
                default_pass = {Password}
                # Nobody looks at statistics, and gathering them takes processor time.
                management_agent.disable_metrics_collector = true
                {_tls?.Configure($"{Host}:{_tls.Port}", _tls.Folder)}
                """);
            await File.WriteAllTextAsync(InHome("enabled_plugins"), "[rabbitmq_management].\n");
            if (_neighbour is null)
            {
                await StartPortMapperAsync();
            }
        }

        _server = await Server.StartAsync(
            Path.Combine(_scripts, "rabbitmq-server"), [], TestBrokers.IsReadyLine, StartTime, _environment);
        if (first && _neighbour is not null)
        {
            await RunCtlAsync("stop_app");
            await RunCtlAsync("join_cluster", _neighbour.Node);
            await RunCtlAsync("start_app");
        }
    }

    /// <summary>Without one that runs already, the node would start one that outlives it.</summary>
    private async Task StartPortMapperAsync()
    {
        _portMapper = Process.Start(Command.StartInfo("epmd", ["-port", $"{_node.PortMapperPort}", "-address", Host]))!;
        await Eventually.GetAsync(
            "epmd takes connections",
            async cancellationToken =>
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, _node.PortMapperPort, cancellationToken);
                return true;
            },
            connected => connected,
            within: TimeSpan.FromSeconds(20));
    }

    private string InHome(string name) => Path.Combine(_home.FullName, name);
}
