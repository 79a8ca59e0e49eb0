using System.Text.RegularExpressions;
using Orders.Tests.EndToEnd;

namespace Orders.Tests;

/// <summary>What a release finds on the broker that the release before it has used.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnQuorumQueues))]
internal sealed partial class UpgradeTests(TransportUnderTest transport) : OrderSystemTests
{
    /// <summary>As the release before deployed it. A queue with other arguments could not be declared, and a queue that is missing here would be left behind.</summary>
    private static readonly string Before = Path.Combine(Repository.Root, "Orders.Tests", "TopologyOfTheReleaseBefore.txt");

    [Test]
    public async Task Every_queue_exchange_and_binding_of_the_release_before_is_as_it_was()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.DeployUsersAsync();

        await TheSystem.DeployTopologyAsync();

        Assert.That(await ListAsync(), Is.SupersetOf(await File.ReadAllLinesAsync(Before)));
    }

    private async Task<IReadOnlyList<string>> ListAsync() =>
    [
        .. await ListAsync("queue", "list_queues", "name", "arguments"),
        .. await ListAsync("exchange", "list_exchanges", "name", "type"),
        .. await ListAsync("binding", "list_bindings", "source_name", "destination_name", "routing_key"),
    ];

    private async Task<IEnumerable<string>> ListAsync(string what, string command, params string[] columns) =>
        (await TheSystem.RunCtlAsync(command, ["--no-table-headers", .. columns]))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            // Those that every virtual host has, and the bindings that every queue has.
            .Where(line => !line.StartsWith("amq.", StringComparison.Ordinal) && line[0] != '\t')
            .Select(line => Brackets().Replace(line, list => string.Join(' ', Argument().Matches(list.Value).Select(field => $"{field.Groups[1]}={field.Groups[2]}").Order(StringComparer.Ordinal))))
            .Select(line => $"{what} {line.Replace('\t', ' ').TrimEnd()}")
            .Order(StringComparer.Ordinal);

    [GeneratedRegex(@"\[.*\]$")]
    private static partial Regex Brackets();

    [GeneratedRegex("""\{"([^"]+)",\s*"?([^"}]*)"?\}""")]
    private static partial Regex Argument();
}
