using Orders.Testing.Machine;
using Orders.Testing.Network;
using StackExchange.Redis;

namespace Orders.Testing.Ledger;

/// <summary>
/// A real Valkey or Redis, empty at first, for the caller alone, who disposes of it: a program of the machine or, where it has none,
/// the image that <c>compose.yaml</c> deploys. With <c>ORDERS_TEST_VALKEY</c>, such as <c>host:6379</c>, it is that one, which
/// is not ours to stop.
/// </summary>
public sealed class ValkeyServer : IAsyncDisposable
{
    /// <summary>The image that <c>compose.yaml</c> deploys.</summary>
    public const string Image = "valkey/valkey:9.1.2";

    private const string ReadyLine = "Ready to accept connections";

    private static readonly string? Given = Environment.GetEnvironmentVariable("ORDERS_TEST_VALKEY");
    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("orders-tests-valkey-");
    private readonly string _container = $"orders-tests-valkey-{Guid.NewGuid():N}";
    private readonly string? _program = Needs.FindProgram("valkey-server") ?? Needs.FindProgram("redis-server");
    private readonly int _port = Ports.Free(1)[0];
    private readonly bool _asDeployed;
    private readonly IReadOnlyList<string> _options;
    private Server? _server;
    private bool _created;

    private ValkeyServer(bool asDeployed, IReadOnlyList<string> options) => (_asDeployed, _options) = (asDeployed, options);

    /// <summary>Its address and port.</summary>
    public string Endpoint => Given ?? $"127.0.0.1:{_port}";

    /// <summary>What the default user must say, where it is ours.</summary>
    public static string? Password => Given is null ? "tests" : null;

    /// <summary>Settings of a program, by the names of their environment variables, to keep its ledger here.</summary>
    public (string Name, string Value)[] Settings =>
    [
        ("Ledger__Store", "Valkey"),
        ("Ledger__Valkey__Endpoint", Endpoint),
        .. Password is { } password ? [("Ledger__Valkey__Password", password)] : Array.Empty<(string, string)>(),
    ];

    /// <summary>Starts one. Where there is none, the calling test or fixture is skipped, or fails with <c>CI=true</c>.</summary>
    /// <param name="asDeployed">
    /// Whether a write is on disk within a second, as with <c>compose.yaml</c>, and not before it is answered, so that
    /// a test can kill the server and know what is left.
    /// </param>
    /// <param name="options">Further options of its command line.</param>
    public static async Task<ValkeyServer> StartNewAsync(bool asDeployed = false, params IReadOnlyList<string> options)
    {
        var server = new ValkeyServer(asDeployed, options);
        try
        {
            if (Given is null && server._program is null)
            {
                await ContainerEngine.RequireImageAsync(Image);
            }

            await server.StartAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it again after <see cref="StopAsync"/> or <see cref="KillAsync"/>, with the same data on the same port.</summary>
    public async Task StartAsync()
    {
        if (Given is not null)
        {
            return;
        }

        if (_program is not null)
        {
            _server = await Server.StartAsync(
                _program, [.. Options(_data.FullName), "--port", $"{_port}", "--bind", "127.0.0.1"], IsReadyLine, StartTime);
            return;
        }

        if (!_created)
        {
            await ContainerEngine.RunAsync(
                ["create", "--name", _container, "--publish", $"127.0.0.1:{_port}:6379", Image, "valkey-server", .. Options("/data")], StopTime);
            _created = true;
        }

        _server = await Server.StartAsync("docker", ["start", "--attach", _container], IsReadyLine, StartTime);
    }

    /// <summary>Has it end as an orchestrator does; returns when it is gone.</summary>
    public Task StopAsync() => EndAsync("TERM");

    /// <summary>Ends it at once, as a power cut would; returns when it is gone.</summary>
    public Task KillAsync() => EndAsync("KILL");

    /// <summary>Connects to it, for the test itself.</summary>
    public Task<ConnectionMultiplexer> ConnectAsync() =>
        ConnectionMultiplexer.ConnectAsync(new ConfigurationOptions { EndPoints = { Endpoint }, Password = Password, AllowAdmin = true });

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await KillAsync();
        }

        if (_created)
        {
            await ContainerEngine.RunAsync(["rm", "--force", "--volumes", _container], StopTime);
        }

        _data.Delete(recursive: true);
    }

    private static bool IsReadyLine(string line) => line.Contains(ReadyLine, StringComparison.Ordinal);

    private IEnumerable<string> Options(string folder) =>
        ["--dir", folder, "--appendonly", "yes", "--appendfsync", _asDeployed ? "everysec" : "always", "--save", "", "--requirepass", Password!, .. _options];

    private async Task EndAsync(string signal)
    {
        if (Given is not null)
        {
            Needs.Skip("The server of ORDERS_TEST_VALKEY is not ours to stop.");
        }

        if (_server is null)
        {
            return;
        }

        if (_created)
        {
            await ContainerEngine.RunAsync(["kill", "--signal", signal, _container], StopTime);
            await _server.WaitForExitAsync(StopTime);
        }
        else if (signal == "TERM")
        {
            await _server.TerminateAsync();
            await _server.WaitForExitAsync(StopTime);
        }

        await _server.DisposeAsync();
        _server = null;
    }
}
