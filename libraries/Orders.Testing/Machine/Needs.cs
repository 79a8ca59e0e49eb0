using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Orders.Testing.Machine;

/// <summary>
/// What a test needs that the solution does not bring: a broker, a browser, a container engine. Where it is
/// missing the test is skipped with one line that says so; with <c>CI=true</c> it fails, for on a build server a
/// skipped test would pass for a good one.
/// </summary>
public static class Needs
{
    private static readonly ConcurrentDictionary<string, bool> Said = [];

    /// <summary>Finds a program in the folders of <c>PATH</c>, then in others.</summary>
    /// <returns>Its full path, or <c>null</c>.</returns>
    public static string? FindProgram(string name, params IEnumerable<string> furtherFolders) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Concat(furtherFolders)
            .Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);

    /// <summary>Ends the test, or the whole fixture when called from its set-up: skipped, or failed with <c>CI=true</c>.</summary>
    /// <param name="why">One line: what is missing, and what would provide it.</param>
    [DoesNotReturn]
    public static void Missing(string why)
    {
        if (string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase))
        {
            throw new AssertionException(why);
        }

        Skip(why);
    }

    /// <summary>Skips the test, or the whole fixture. Why is on the console too, once: the runner by itself keeps it in its results.</summary>
    [DoesNotReturn]
    public static void Skip(string why)
    {
        if (Said.TryAdd(why, true))
        {
            TestContext.Error.WriteLine($"Skipped: {why}");
        }

        throw new IgnoreException(why);
    }
}
