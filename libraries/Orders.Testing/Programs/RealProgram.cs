using System.Diagnostics;
using Notifications.Worker;
using Orders.Api.Publishing;
using Orders.Testing.Machine;

namespace Orders.Testing.Programs;

/// <summary>One of the two programs as its users start it: a process of its own, configured by its environment.</summary>
internal sealed class RealProgram
{
    public static readonly RealProgram Api = new(typeof(MessagePublisher));

    public static readonly RealProgram Worker = new(typeof(WorkerOptions));

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _assembly;

    private RealProgram(Type partOfIt) => _assembly = partOfIt.Assembly.Location;

    /// <summary>The runtime that runs the tests; elsewhere than with the SDK's own commands, that of the <c>PATH</c>.</summary>
    public static string Runtime => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

    /// <summary>Runs the program to its end.</summary>
    public Task<Ended> RunAsync(params (string Name, string Value)[] settings) => RunAsync([], settings);

    /// <summary>Runs the program with a command line to its end.</summary>
    public async Task<Ended> RunAsync(string[] arguments, params (string Name, string Value)[] settings)
    {
        var (exitCode, output, errors) = await Command.RunToEndAsync(Runtime, [_assembly, .. arguments], Patience, EnvironmentWith(settings), Folder());
        return new Ended(exitCode, output, errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>Starts the program and waits until it says that it is ready.</summary>
    public Task<Server> StartAsync(params (string Name, string Value)[] settings) => StartAsync("Ready for orders", settings);

    /// <summary>Starts the program and waits until it says something in a line of its log.</summary>
    public Task<Server> StartAsync(string text, params (string Name, string Value)[] settings) =>
        Server.StartAsync(
            Runtime,
            [_assembly, "--contentRoot", Folder()],
            line => line.Contains(text, StringComparison.Ordinal),
            Patience,
            EnvironmentWith(settings));

    /// <summary>Starts the program and waits until its log, which leaves nothing out, says that it has started.</summary>
    /// <param name="onLine">Is given every line that the program writes; several at once may come.</param>
    /// <param name="settings">Settings by the names of their environment variables.</param>
    public Task<Server> StartTalkingAsync(Action<string> onLine, params (string Name, string Value)[] settings) =>
        StartTalkingAsync("Application started.", onLine, settings);

    /// <summary>The same, until its log says something else.</summary>
    public Task<Server> StartTalkingAsync(string text, Action<string> onLine, params (string Name, string Value)[] settings) =>
        Server.StartAsync(
            Runtime,
            [_assembly, "--contentRoot", Folder()],
            line => line.Contains(text, StringComparison.Ordinal),
            Patience,
            EnvironmentWith([.. Everything, .. settings]),
            onLine);

    /// <summary>Runs the program, tells it to stop some time after its process was started (SIGTERM), and waits for its end.</summary>
    public async Task<Ended> StopAfterAsync(TimeSpan time, params (string Name, string Value)[] settings)
    {
        using var process = Process.Start(Command.StartInfo(Runtime, [_assembly, "--contentRoot", Folder()], EnvironmentWith(settings)))!;
        process.StandardInput.Close();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        // A timer knows no less.
        if (time >= TimeSpan.FromMilliseconds(1))
        {
            using var timer = new PeriodicTimer(time);
            await timer.WaitForNextTickAsync();
        }

        await Command.TerminateAsync(process.Id);
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }

        return new Ended(process.ExitCode, await output, (await errors).Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>The most that can be logged, from every category that <c>ProgramHost</c> says something else of.</summary>
    private static (string, string)[] Everything =>
    [
        .. new[]
        {
            "Default", "Microsoft.AspNetCore", "Microsoft.Hosting.Lifetime", "Microsoft.Extensions.Diagnostics.HealthChecks",
            "Microsoft.Extensions.Hosting.Internal.Host", "MassTransit", "MassTransit.ReceiveTransport", "Orders.FaultQueues.Access",
        }.Select(category => ($"Logging__LogLevel__{category}", "Trace")),
    ];

    private static Dictionary<string, string> EnvironmentWith((string Name, string Value)[] settings)
    {
        // Should it start against all expectation, it takes no port that matters.
        var environment = new Dictionary<string, string> { ["ASPNETCORE_URLS"] = "http://127.0.0.1:0", ["ASPNETCORE_ENVIRONMENT"] = "Production" };
        foreach (var (name, value) in settings)
        {
            environment[name] = value;
        }

        return environment;
    }

    private static string Folder() => Directory.CreateDirectory(Path.Combine(TestContext.CurrentContext.WorkDirectory, "program")).FullName;

    /// <summary>How a program ended.</summary>
    /// <param name="ExitCode">Its exit code.</param>
    /// <param name="Output">What it wrote to standard output.</param>
    /// <param name="Errors">The lines that it wrote to standard error.</param>
    public sealed record Ended(int ExitCode, string Output, IReadOnlyList<string> Errors);
}
