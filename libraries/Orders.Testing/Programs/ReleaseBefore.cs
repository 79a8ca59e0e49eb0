using System.Formats.Tar;
using Orders.Testing.Machine;

namespace Orders.Testing.Programs;

/// <summary>The programs of the release before, built from the repository's history.</summary>
public sealed class ReleaseBefore
{
    /// <summary>The commit: the last one before the order store knew further notifications, and the fault queues several endpoints.</summary>
    private const string Commit = "6406f4748786825b55656e67bd2f9ee1b6611ff6";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private static readonly Lazy<Task<ReleaseBefore>> Shared = new(BuildAsync);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("orders-tests-before-");

    private ReleaseBefore()
    {
    }

    /// <summary>The program of the API.</summary>
    public string Api => AssemblyOf("Orders.Api");

    /// <summary>The program of the worker.</summary>
    public string Worker => AssemblyOf("Notifications.Worker");

    /// <summary>Builds it once for all tests. Without git or its history, the calling test or fixture is skipped, or fails with <c>CI=true</c>.</summary>
    public static Task<ReleaseBefore> SharedAsync() => Shared.Value;

    internal static async Task DeleteSharedAsync()
    {
        if (Shared is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
        {
            (await Shared.Value)._folder.Delete(recursive: true);
        }
    }

    private static async Task<ReleaseBefore> BuildAsync()
    {
        var git = Needs.FindProgram("git");
        if (git is null)
        {
            Needs.Missing("There is no git to take the release before out of the history.");
        }

        var release = new ReleaseBefore();
        try
        {
            var archive = Path.Combine(release._folder.FullName, "source.tar");
            var (exitCode, _, errors) = await Command.RunToEndAsync(git, ["-C", Repository.Root, "archive", "--output", archive, Commit], Patience);
            if (exitCode != 0)
            {
                Needs.Missing($"The history lacks the release before, {Commit[..7]}: {errors.Trim()}");
            }

            var source = release._folder.CreateSubdirectory("source").FullName;
            await TarFile.ExtractToDirectoryAsync(archive, source, overwriteFiles: false);
            await Command.RunAsync(RealProgram.Runtime, ["build", "Orders.Api", "-p:RunAnalyzers=false", "--verbosity", "quiet"], Patience, folder: source);
            return release;
        }
        catch
        {
            release._folder.Delete(recursive: true);
            throw;
        }
    }

    private string AssemblyOf(string project) => Path.Combine(_folder.FullName, "source", project, "bin", "Debug", "net10.0", $"{project}.dll");
}
