using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Queues;

namespace Orders.Tests.EndToEnd;

/// <summary>Ten thousand faults, and the process that replays them as a process of its own, to be killed.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnQuorumQueues))]
[Long]
[Alone]
internal sealed class ReplayOfThousandsTests(TransportUnderTest transport) : OrderSystemTests
{
    private const int Faults = 10_000;

    [Test]
    public async Task Killed_in_the_middle_of_a_replay_of_all_it_loses_nothing_and_doubles_what_was_in_flight()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.DeclareFaultQueuesAsync(transport.QueueType);
        var faults = Enumerable.Range(0, Faults).Select(number => SampleFaults.Create(number.ToString(CultureInfo.InvariantCulture), failedAt: DateTimeOffset.UtcNow)).ToArray();
        await TheSystem.AddFaultsAsync(faults);

        int doneWhenKilled;
        await using (var program = await StartProgramAsync())
        {
            var operation = await ReplayAllAsync(program.Http);
            doneWhenKilled = (await WaitAsync(program.Http, operation, state => state.Done >= 1_000)).Done;
            await program.Server.KillAsync();
        }

        var total = 0;
        await using (var program = await StartProgramAsync())
        {
            // What the killed process held comes back when the broker misses it, which can be behind the next look.
            do
            {
                var ended = await WaitAsync(program.Http, await ReplayAllAsync(program.Http), state => state.State == "done");
                Assert.That(ended.Done, Is.EqualTo(ended.Total).And.Positive);
                total += ended.Total;
            }
            while (await TheSystem.CountAsync(OrderConfirmationEndpoint.ErrorQueue) > 0);

            // The process reads the record from its beginning, which takes a while.
            await Eventually.GetAsync(
                "the end of the operation is on record",
                async cancellationToken => (string?)(await program.Http.GetFromJsonAsync<JsonNode>("/faults/api/audit?take=1", cancellationToken))!.AsArray()[0]!["event"],
                newest => newest == "end",
                TimeSpan.FromMinutes(4));
        }

        var left = await TheSystem.DrainAsync(OrderConfirmationEndpoint.ErrorQueue);
        var replayed = await TheSystem.DrainAsync(OrderConfirmationEndpoint.Queue);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(left, Is.Empty);
            Assert.That(replayed.Distinct().Count(), Is.EqualTo(Faults), "Nothing is lost.");
            Assert.That(replayed, Has.Count.InRange(Faults, Faults + FaultTurn.InFlight));
            Assert.That(total, Is.InRange(1, Faults - doneWhenKilled));
        }
    }

    [Test]
    public async Task The_broker_is_killed_in_the_middle_of_a_replay_which_goes_on_when_it_is_back()
    {
        const int Count = 500;
        var broker = await TestBrokers.StartAsync(transport.Broker!.Value);
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport, broker);
        await TheSystem.DeclareFaultQueuesAsync(transport.QueueType);
        await TheSystem.AddFaultsAsync(Enumerable.Range(0, Count).Select(number => SampleFaults.Create($"{number}", failedAt: DateTimeOffset.UtcNow)));
        await TheSystem.StartWorkerAsync(settings: [.. FailingOrders.Settings, ("Worker__Role", "Faults")]);
        var operations = TheSystem.Worker.GetRequiredService<FaultOperations>();

        var operation = await operations.StartAsync(
            new FaultRequest(ConfirmationFaults.Error, FaultAction.Replay, new FaultFilter(), rate: 50), "olga", CancellationToken.None);
        await Eventually.GetAsync(
            "half of the replay", _ => Task.FromResult(operations.Find(operation.Id)!.Done), done => done >= Count / 2, TimeSpan.FromSeconds(60));
        await broker.SaveQueuesAsync();
        await broker.KillAsync();
        await broker.StartAsync();
        // On a busy machine the broker itself takes a minute to come back.
        var ended = await operations.WaitAsync(operation.Id, CancellationToken.None).WaitAsync(TimeSpan.FromMinutes(6));

        var replayed = await TheSystem.DrainAsync(OrderConfirmationEndpoint.Queue);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((ended!.State, ended.Error), Is.EqualTo((OperationState.Done, (string?)null)));
            Assert.That(await TheSystem.DrainAsync(OrderConfirmationEndpoint.ErrorQueue), Is.Empty);
            Assert.That(replayed.Distinct().Count(), Is.EqualTo(Count), "Nothing is lost.");
            Assert.That(replayed, Has.Count.InRange(Count, Count + FaultTurn.InFlight));
        }
    }

    [Test]
    public async Task What_is_on_record_outlives_the_process_that_wrote_it()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.DeclareFaultQueuesAsync(transport.QueueType);
        await TheSystem.AddFaultsAsync([SampleFaults.Create("1", failedAt: DateTimeOffset.UtcNow)]);
        await using (var program = await StartProgramAsync())
        {
            await WaitAsync(program.Http, await ReplayAllAsync(program.Http), state => state.State == "done");
            await program.Server.KillAsync();
        }

        await using var next = await StartProgramAsync();
        var entries = await Eventually.GetAsync(
            "what the other process recorded",
            async cancellationToken => (await next.Http.GetFromJsonAsync<AuditEntry[]>("/faults/api/audit", JsonSerializerOptions.Web, cancellationToken))!,
            entries => entries.Length > 1,
            TimeSpan.FromSeconds(20));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(entries.Select(entry => entry.Who), Is.All.EqualTo("olga"));
            // The end may have been lost with the process.
            Assert.That(entries[^2].Event, Is.EqualTo(AuditEvent.Replay));
            Assert.That(entries[^2].OrderId, Is.EqualTo("1"));
            Assert.That((entries[^1].Event, entries[^1].Count), Is.EqualTo((AuditEvent.Begin, 1)));
        }
    }

    private async Task<Program> StartProgramAsync()
    {
        var url = $"http://127.0.0.1:{Ports.Free(1)[0]}";
        var server = await TheSystem.StartWorkerProcessAsync(
            [.. Basic.Users, .. FailingOrders.Settings, ("Worker__Role", "Faults"), ("ASPNETCORE_URLS", url), ("Faults__Rate", "10000")]);
        var http = new HttpClient { BaseAddress = new Uri(url), DefaultRequestHeaders = { Authorization = Basic.Of("olga") } };
        await Eventually.GetAsync(
            "the worker listens",
            async cancellationToken => await http.GetStringAsync("/health/live", cancellationToken),
            _ => true,
            TimeSpan.FromSeconds(30));
        return new Program(server, http);
    }

    /// <returns>The path of the operation.</returns>
    private static async Task<Uri> ReplayAllAsync(HttpClient http)
    {
        using var response = await http.PostAsJsonAsync("/faults/api/order-confirmation/error/replay", new { all = true });
        Assert.That((int)response.StatusCode, Is.EqualTo(200), await response.Content.ReadAsStringAsync());
        return response.Headers.Location!;
    }

    private static Task<(string State, int Done, int Total)> WaitAsync(HttpClient http, Uri operation, Predicate<(string State, int Done, int Total)> isWanted) =>
        Eventually.GetAsync(
            "the operation is as far",
            async cancellationToken =>
            {
                var state = (await http.GetFromJsonAsync<JsonNode>(operation, cancellationToken))!;
                return ((string)state["state"]!, (int)state["done"]!, (int)state["total"]!);
            },
            isWanted,
            TimeSpan.FromMinutes(9));

    private sealed record Program(Server Server, HttpClient Http) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            await Server.DisposeAsync();
        }
    }
}
