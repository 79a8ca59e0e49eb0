using Orders.Testing.Machine;

namespace Orders.Testing.Chaos;

/// <summary>One of the programs, to be killed and started again with the same settings.</summary>
internal sealed class ChaosProgram : IAsyncDisposable
{
    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(2);

    private readonly string _assembly;
    private readonly Dictionary<string, string> _environment;
    private readonly Action<string>? _onLine;
    private Server? _process;

    /// <param name="partOfIt">A type of the program's assembly.</param>
    /// <param name="settings">Settings by the names of their environment variables.</param>
    /// <param name="onLine">Is given every line that it writes; several at once may come.</param>
    public ChaosProgram(Type partOfIt, (string Name, string Value)[] settings, Action<string>? onLine = null)
    {
        _onLine = onLine;
        _assembly = partOfIt.Assembly.Location;
        _environment = settings.ToDictionary(setting => setting.Name, setting => setting.Value);
        // Said whether or not the broker is there.
        _environment["Logging__LogLevel__Microsoft.Hosting.Lifetime"] = "Information";
    }

    /// <summary>What it wrote last since it was started, one line under the other.</summary>
    public string LastLines => _process?.LastLines ?? "It does not run.";

    /// <summary>Starts it; returns when it listens, whether or not its broker is there.</summary>
    public async Task StartAsync() => _process = await Server.StartAsync(
        "dotnet", [_assembly], line => line.Contains("Application started", StringComparison.Ordinal), StartTime, _environment, _onLine);

    /// <summary>Ends it at once, as a power cut would.</summary>
    public async Task KillAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
            _process = null;
        }
    }

    public async ValueTask DisposeAsync() => await KillAsync();
}
