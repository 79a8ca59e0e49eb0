using System.Diagnostics;

namespace Orders.Testing.Machine;

/// <summary>Runs a program of the machine to its end.</summary>
public static class Command
{
    /// <summary>Runs a program without standard input and returns what it wrote to standard output.</summary>
    /// <param name="program">Its name, if it is on the <c>PATH</c>, or its path.</param>
    /// <param name="arguments">Its arguments, each passed as it is.</param>
    /// <param name="within">The program and all that it started are killed when it takes longer.</param>
    /// <param name="environment">Variables in addition to this process's own.</param>
    /// <param name="folder">The folder to run in; this process's own by default.</param>
    /// <exception cref="CommandException">It ended with another exit code than 0, or not in time.</exception>
    public static async Task<string> RunAsync(
        string program,
        IEnumerable<string> arguments,
        TimeSpan within,
        IReadOnlyDictionary<string, string>? environment = null,
        string? folder = null)
    {
        var (exitCode, output, errors) = await RunToEndAsync(program, arguments, within, environment, folder);
        return exitCode == 0
            ? output
            : throw new CommandException($"{Line(program, arguments)} ended with {exitCode}: {errors} {output}");
    }

    /// <summary>Tells a process to end, as an orchestrator does (SIGTERM), and does not wait. One that has ended is none the worse for it.</summary>
    public static Task TerminateAsync(int processId) =>
        // A small image has no program of that name, but every shell knows the word.
        RunToEndAsync("sh", ["-c", $"kill -TERM {processId}"], TimeSpan.FromSeconds(10));

    /// <summary>As <see cref="RunAsync"/>, for a program whose failure is what the caller wants to see.</summary>
    /// <returns>Its exit code, and all that it wrote.</returns>
    /// <exception cref="CommandException">It did not end in time.</exception>
    public static async Task<(int ExitCode, string Output, string Errors)> RunToEndAsync(
        string program,
        IEnumerable<string> arguments,
        TimeSpan within,
        IReadOnlyDictionary<string, string>? environment = null,
        string? folder = null)
    {
        using var process = Process.Start(StartInfo(program, arguments, environment, folder))!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();

        using var timeOut = new CancellationTokenSource(within);
        try
        {
            await process.WaitForExitAsync(timeOut.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new CommandException($"{Line(program, arguments)} did not end within {within}: {await errors} {await output}");
        }

        return (process.ExitCode, await output, await errors);
    }

    private static string Line(string program, IEnumerable<string> arguments) => string.Join(' ', arguments.Prepend(program));

    internal static ProcessStartInfo StartInfo(
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null,
        string? folder = null)
    {
        var startInfo = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? "",
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            startInfo.Environment[name] = value;
        }

        return startInfo;
    }
}

/// <summary>A program failed; the message holds its command line and what it wrote.</summary>
public sealed class CommandException(string message) : Exception(message);
