using System.Diagnostics;
using Orders.Messaging;

namespace Orders.Tests.EndToEnd;

/// <summary>A broker of three nodes loses one of them.</summary>
[Long]
internal sealed class ClusterOutagesTests : OrderSystemTests
{
    /// <summary>How long no order may be accepted: 15 seconds, and three times as long on a busy machine.</summary>
    private static readonly TimeSpan LongestStall = TimeSpan.FromSeconds(3 * 15);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Test]
    public async Task A_node_dies_under_load()
    {
        var cluster = await TestBrokers.StartClusterAsync();
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(new TransportUnderTest(BrokerKind.Program, QueueType.Quorum), cluster);
        await TheSystem.StartWorkerAsync();
        await TheSystem.StartApiAsync();
        var load = new OrderLoad(TheSystem);
        await load.PlaceUntilAsync("100 orders accepted", () => load.Accepted >= 100, Patience);
        await EveryQueueHasThreeMembersAsync();

        await DiesAsync(cluster.NodeOf(await LeaderAsync()), "the leader of the queue");
        await DiesAsync(cluster.NodeOf(await ConnectionOfTheApiAsync()), "the node that the API is connected to");

        await load.ExpectEmailsAsync();

        async Task DiesAsync(ProgramBroker node, string what)
        {
            var stall = Stopwatch.StartNew();
            await load.PlaceWhileAsync(node.KillAsync());
            var acceptedBefore = load.Accepted;
            await load.PlaceUntilAsync("an order accepted", () => load.Accepted > acceptedBefore, LongestStall);
            await TestContext.Progress.WriteLineAsync($"{what} died: the next order was accepted after {stall.Elapsed.TotalSeconds:0.0} s, connected anew {TheSystem.Log.Of<RefusedMessages>(22).Count} times");
            await load.PlaceUntilAsync("50 more orders accepted", () => load.Accepted > acceptedBefore + 50, Patience);
            await load.PlaceWhileAsync(node.StartAsync());
            await load.PlaceWhileAsync(EveryQueueHasThreeMembersAsync());
        }
    }

    /// <summary>Waits until all that must outlive a node is on three that are up.</summary>
    private Task<string[]> EveryQueueHasThreeMembersAsync() => Eventually.GetAsync(
        "three members of each queue",
        async _ => (await TheSystem.RunCtlAsync("list_queues", "name", "type", "online"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split('\t'))
            .Where(queue => queue[0].StartsWith(OrderConfirmationEndpoint.Queue, StringComparison.Ordinal))
            .Select(queue => $"{queue[0]} {queue[1]} {queue[2].Split(',').Length}")
            .ToArray(),
        queues => queues.Length >= 5 && queues.All(queue => queue.EndsWith("quorum 3", StringComparison.Ordinal) || queue.EndsWith("stream 3", StringComparison.Ordinal)),
        Patience);

    private async Task<string> LeaderAsync() =>
        (await TheSystem.RunCtlAsync("list_queues", "name", "leader"))
            .Split('\n')
            .Single(line => line.StartsWith($"{OrderConfirmationEndpoint.Queue}\t", StringComparison.Ordinal));

    private async Task<string> ConnectionOfTheApiAsync() =>
        (await TheSystem.RunCtlAsync("list_connections", "pid", "client_properties"))
            .Split('\n')
            .First(line => line.Contains("\"Orders.Api\"", StringComparison.Ordinal))
            .Split('\t')[0];
}
