using System.Text.Json;
using System.Xml.Linq;

namespace Orders.Tests.Deployment;

/// <summary>What of others is in the programs and in their tests, under which licences.</summary>
public sealed class ThirdPartyTests
{
    private const string List = "docs/third-party.md";

    /// <summary>Licences that leave an MIT project free; what allows a choice allows one of these.</summary>
    private static readonly string[] Compatible = ["MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0 OR MPL-2.0"];

    /// <summary>The licences of packages that bring a text instead of a name, as a person has read it.</summary>
    private static readonly Dictionary<string, string> Read = new() { ["StandardWebhooks"] = "MIT" };

    private static readonly string[] Programs = ["Orders.Api", "Notifications.Worker"];

    private static readonly Lazy<string[]> PackageFolders = new(() =>
    {
        using var assets = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "Orders.Tests", "obj", "project.assets.json")));
        return [.. assets.RootElement.GetProperty("packageFolders").EnumerateObject().Select(folder => folder.Name)];
    });

    [Test]
    public void The_list_of_third_party_packages_is_complete_and_right()
    {
        var rows = File.ReadAllLines(Path.Combine(Repository.Root, List)).Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1);

        // A failure shows the rows as they should be.
        Assert.That(string.Join('\n', rows), Is.EqualTo(string.Join('\n', Packages().Select(package => package.Row))));
    }

    [Test]
    public void Every_licence_is_compatible_with_that_of_this_project() =>
        Assert.That(Packages().Where(package => !Compatible.Contains(package.Licence)), Is.Empty);

    private static IEnumerable<Package> Packages()
    {
        var shipped = Programs.SelectMany(Locked).ToHashSet();
        return shipped.Union(Locked("Orders.Tests"))
            .OrderBy(package => package.Name, StringComparer.OrdinalIgnoreCase)
            .ThenBy(package => package.Version, StringComparer.Ordinal)
            .Select(package => new Package(package.Name, package.Version, LicenceOf(package.Name, package.Version), shipped.Contains(package)));
    }

    private static IEnumerable<(string Name, string Version)> Locked(string project)
    {
        using var file = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, project, "packages.lock.json")));
        return
        [
            .. file.RootElement.GetProperty("dependencies").EnumerateObject()
                .SelectMany(framework => framework.Value.EnumerateObject())
                .Where(package => package.Value.TryGetProperty("resolved", out _))
                .Select(package => (package.Name, package.Value.GetProperty("resolved").GetString()!)),
        ];
    }

    private static string LicenceOf(string name, string version)
    {
        var folder = PackageFolders.Value.Select(root => Path.Combine(root, name.ToLowerInvariant(), version)).First(Directory.Exists);
        var licence = XDocument.Load(Directory.GetFiles(folder, "*.nuspec").Single()).Descendants().FirstOrDefault(element => element.Name.LocalName == "license");
        return licence?.Attribute("type")?.Value == "expression" ? licence.Value : Read.GetValueOrDefault(name, "unknown");
    }

    private sealed record Package(string Name, string Version, string Licence, bool IsShipped)
    {
        public string Row => $"| {Name} | {Version} | {Licence} | {(IsShipped ? "the programs" : "the tests")} |";
    }
}
