using System.Text.RegularExpressions;

namespace Orders.Tests.Architecture;

/// <summary>References run downwards. Between projects the compiler sees to it, and between the folders of a project this does.</summary>
public sealed partial class ReferencesTests
{
    private static readonly string[] Projects =
    [
        "Contracts", "Notifications.Worker", "Orders.Api",
        .. Directory.GetDirectories(Path.Combine(Repository.Root, "libraries")).Select(folder => $"libraries/{Path.GetFileName(folder)}"),
    ];

    [TestCaseSource(nameof(Projects))]
    public void No_folder_of_a_project_refers_to_one_that_refers_to_it(string project)
    {
        var references = ReadReferences(project);

        // What stands in the project's own folder puts the parts together, so it may refer to all of them.
        var circles = references.Keys.Where(folder => Reach(references, folder).Contains(folder));

        Assert.That(
            circles.Select(folder => $"{folder} -> {string.Join(", ", references[folder].Where(other => Reach(references, other).Contains(folder)))}"),
            Is.Empty);
    }

    [Test]
    public void References_are_seen() =>
        Assert.That(ReadReferences("libraries/Orders.FaultQueues")["Job"], Is.SupersetOf(["Audit", "Inspection", "Operations", "Policy", "Queues"]));

    [Test]
    public void One_file_of_the_API_knows_the_worker() =>
        Assert.That(
            FilesOf("Orders.Api").Where(file => File.ReadAllText(file).Contains("Notifications.Worker", StringComparison.Ordinal)).Select(Path.GetFileName),
            Is.EqualTo(["OrdersMessaging.cs"]));

    [Test]
    public void Every_library_says_what_it_is_for() =>
        Assert.That(
            Projects.Where(project => project.StartsWith("libraries/", StringComparison.Ordinal) && !File.Exists(Path.Combine(Repository.Root, project, "README.md"))),
            Is.Empty);

    /// <returns>Which folders of a project each of them refers to, by its <c>using</c> directives.</returns>
    private static Dictionary<string, HashSet<string>> ReadReferences(string project)
    {
        var name = Path.GetFileName(project);
        var references = new Dictionary<string, HashSet<string>>();
        foreach (var file in FilesOf(project))
        {
            // A folder in a folder is a part of it.
            var folder = Path.GetRelativePath(Path.Combine(Repository.Root, project), Path.GetDirectoryName(file)!).Split(Path.DirectorySeparatorChar)[0];
            var others = Using().Matches(File.ReadAllText(file))
                .Select(match => match.Groups["namespace"].Value)
                .Where(other => other.StartsWith($"{name}.", StringComparison.Ordinal))
                .Select(other => other[(name.Length + 1)..].Split('.')[0])
                .Where(other => other != folder);
            if (folder != ".")
            {
                references.TryAdd(folder, []);
                references[folder].UnionWith(others);
            }
        }

        return references;
    }

    private static HashSet<string> Reach(Dictionary<string, HashSet<string>> references, string from)
    {
        var reached = new HashSet<string>();
        var next = new Queue<string>([from]);
        while (next.TryDequeue(out var folder))
        {
            foreach (var other in references.GetValueOrDefault(folder) ?? [])
            {
                if (reached.Add(other))
                {
                    next.Enqueue(other);
                }
            }
        }

        return reached;
    }

    private static IEnumerable<string> FilesOf(string project) =>
        Directory.EnumerateFiles(Path.Combine(Repository.Root, project), "*", SearchOption.AllDirectories)
            .Where(file => Path.GetExtension(file) is ".cs" or ".razor" && !Built().IsMatch(file));

    [GeneratedRegex(@"^@?using (static )?(?<namespace>[\w.]+);?\s*$", RegexOptions.Multiline)]
    private static partial Regex Using();

    [GeneratedRegex(@"[\\/](bin|obj)[\\/]")]
    private static partial Regex Built();
}
