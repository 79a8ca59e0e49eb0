using System.Collections.Concurrent;
using System.Diagnostics;

namespace Orders.Testing.Machine;

/// <summary>A program that runs beside the tests until it is killed.</summary>
public sealed class Server : IAsyncDisposable
{
    private const int RememberedLines = 40;

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lastLines = [];
    private readonly Action<string>? _onLine;
    private readonly Predicate<string> _isReadyLine;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Server(Process process, Predicate<string> isReadyLine, Action<string>? onLine)
    {
        _process = process;
        _isReadyLine = isReadyLine;
        _onLine = onLine;
    }

    /// <summary>The id of its process.</summary>
    public int ProcessId => _process.Id;

    /// <summary>What it wrote last, one line under the other.</summary>
    public string LastLines => string.Join(Environment.NewLine, _lastLines);

    /// <summary>Starts the program and waits until it writes a line that says that it is ready.</summary>
    /// <param name="program">Its name, if it is on the <c>PATH</c>, or its path.</param>
    /// <param name="arguments">Its arguments, each passed as it is.</param>
    /// <param name="isReadyLine">Whether a line says that the program is ready.</param>
    /// <param name="within">How long it may take to be.</param>
    /// <param name="environment">Variables in addition to this process's own.</param>
    /// <param name="onLine">Is given every line that the program writes; several at once may come.</param>
    /// <exception cref="CommandException">It ended before, or was not ready in time; the message holds its last lines.</exception>
    public static async Task<Server> StartAsync(
        string program,
        IEnumerable<string> arguments,
        Predicate<string> isReadyLine,
        TimeSpan within,
        IReadOnlyDictionary<string, string>? environment = null,
        Action<string>? onLine = null)
    {
        var server = new Server(
            new Process { StartInfo = Command.StartInfo(program, arguments, environment), EnableRaisingEvents = true },
            isReadyLine,
            onLine);
        await server.StartAsync(within);
        return server;
    }

    /// <summary>Starts a program that does not write that it is ready, and asks it again and again until it is.</summary>
    /// <param name="program">Its name, if it is on the <c>PATH</c>, or its path.</param>
    /// <param name="arguments">Its arguments, each passed as it is.</param>
    /// <param name="isReady">Whether it is ready; an exception counts as a no.</param>
    /// <param name="within">How long it may take to be.</param>
    /// <param name="onLine">Is given every line that the program writes; several at once may come.</param>
    /// <exception cref="CommandException">It ended before, or was not ready in time; the message holds its last lines.</exception>
    public static async Task<Server> StartAsync(
        string program,
        IEnumerable<string> arguments,
        Func<CancellationToken, Task<bool>> isReady,
        TimeSpan within,
        Action<string>? onLine = null)
    {
        var server = new Server(
            new Process { StartInfo = Command.StartInfo(program, arguments), EnableRaisingEvents = true }, isReadyLine: _ => false, onLine);
        var started = server.StartAsync(within);
        _ = server.AskAsync(isReady, within);
        await started;
        return server;
    }

    /// <summary>Kills the program and all that it started, as a power cut would; returns when they are gone.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync();
    }

    /// <summary>Waits until the program writes a line that contains a text; lines from before do not count.</summary>
    public async Task WaitForLineAsync(string text, TimeSpan within)
    {
        var found = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Look(object sender, DataReceivedEventArgs line)
        {
            if (line.Data?.Contains(text, StringComparison.Ordinal) == true)
            {
                found.TrySetResult();
            }
        }

        _process.OutputDataReceived += Look;
        try
        {
            await found.Task.WaitAsync(within);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"Waited {within} in vain for a line with '{text}'. The last lines:{Environment.NewLine}{LastLines}");
        }
        finally
        {
            _process.OutputDataReceived -= Look;
        }
    }

    /// <summary>Asks the program to end, as an orchestrator does (SIGTERM), and does not wait.</summary>
    public Task TerminateAsync() => Command.TerminateAsync(_process.Id);

    /// <summary>Waits until the program has ended by itself.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> WaitForExitAsync(TimeSpan within)
    {
        using var timeOut = new CancellationTokenSource(within);
        try
        {
            await _process.WaitForExitAsync(timeOut.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"{_process.StartInfo.FileName} did not end within {within}.");
        }

        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    private async Task StartAsync(TimeSpan within)
    {
        _process.OutputDataReceived += (_, e) => Read(e.Data);
        _process.ErrorDataReceived += (_, e) => Read(e.Data);
        _process.Exited += (_, _) => _ready.TrySetException(new CommandException("It ended before it was ready."));
        _process.Start();
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        try
        {
            await _ready.Task.WaitAsync(within);
        }
        catch (Exception e) when (e is CommandException or TimeoutException)
        {
            await DisposeAsync();
            throw new CommandException(
                $"{_process.StartInfo.FileName} did not start. {e.Message}{Environment.NewLine}{LastLines}");
        }
    }

    private async Task AskAsync(Func<CancellationToken, Task<bool>> isReady, TimeSpan within)
    {
        try
        {
            await Eventually.GetAsync(
                "the program to be ready", async cancellationToken => _ready.Task.IsCompleted || await isReady(cancellationToken), ready => ready, within);
            _ready.TrySetResult();
        }
        catch (TimeoutException e)
        {
            _ready.TrySetException(e);
        }
    }

    private void Read(string? line)
    {
        if (line is null)
        {
            return;
        }

        _onLine?.Invoke(line);
        _lastLines.Enqueue(line);
        if (_lastLines.Count > RememberedLines)
        {
            _lastLines.TryDequeue(out _);
        }

        if (_isReadyLine(line))
        {
            _ready.TrySetResult();
        }
    }
}
