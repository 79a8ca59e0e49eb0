using System.Diagnostics;
using System.Globalization;
using Orders.Testing.Machine;
using Orders.Testing.Network;
using Orders.Testing.Programs;

namespace Orders.Bench.UnderTest;

/// <summary>The API or a worker, as a process of its own.</summary>
internal sealed class RunningProgram : IAsyncDisposable
{
    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(1);

    private readonly Server _server;
    private readonly Process _process;
    private bool _isDisposed;

    private RunningProgram(Server server, int port, TimeSpan timeToReady)
    {
        _server = server;
        _process = Process.GetProcessById(server.ProcessId);
        Port = port;
        TimeToReady = timeToReady;
    }

    /// <summary>Where it listens.</summary>
    public int Port { get; }

    /// <summary>The time from its start until it called itself ready.</summary>
    public TimeSpan TimeToReady { get; }

    /// <summary>The processor time that it has used until now.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>The most memory that was resident since <see cref="ForgetPeak"/>, in MiB (https://man7.org/linux/man-pages/man5/proc_pid_status.5.html).</summary>
    public double PeakMemoryMiB => ReadKiB("VmHWM:") / 1024;

    /// <summary>Starts a program and waits until it is ready.</summary>
    /// <param name="partOfIt">A type of its assembly.</param>
    /// <param name="settings">Settings by the names of their environment variables.</param>
    public static async Task<RunningProgram> StartAsync(Type partOfIt, IReadOnlyDictionary<string, string> settings)
    {
        var port = Ports.Free(1)[0];
        var environment = new Dictionary<string, string>(settings)
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{port}",
            ["Logging__LogLevel__Microsoft.Hosting.Lifetime"] = "Information",
        };
        var started = Stopwatch.GetTimestamp();
        var server = await Server.StartAsync(
            RealProgram.Runtime, [partOfIt.Assembly.Location], line => line.Contains("Application started", StringComparison.Ordinal), StartTime, environment);
        await WaitUntilReadyAsync(port);
        return new RunningProgram(server, port, Stopwatch.GetElapsedTime(started));
    }

    /// <summary>Has <see cref="PeakMemoryMiB"/> begin anew (https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html).</summary>
    public void ForgetPeak() => File.WriteAllText($"/proc/{_process.Id}/clear_refs", "5");

    public async ValueTask DisposeAsync()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            _process.Dispose();
            await _server.DisposeAsync();
        }
    }

    private static async Task WaitUntilReadyAsync(int port)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        using var timeOut = new CancellationTokenSource(StartTime);
        // Not a helper of the tests: those look five times a second.
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        do
        {
            using var answer = await http.GetAsync("/health/ready", timeOut.Token);
            if (answer.IsSuccessStatusCode)
            {
                return;
            }
        }
        while (await timer.WaitForNextTickAsync(timeOut.Token));
    }

    private double ReadKiB(string name)
    {
        var line = File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith(name, StringComparison.Ordinal));
        return double.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
