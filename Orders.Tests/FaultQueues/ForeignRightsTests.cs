using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Job;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Queues;
using RabbitMQ.Client;

namespace Orders.Tests.FaultQueues;

/// <summary>A console whose user may do less than it could do.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnBrokers))]
internal sealed class ForeignRightsTests(TransportUnderTest transport) : ForeignQueuesTests(transport)
{
    private const string NoAudit = "The broker user `console` may not write to `faults_audit`, so messages cannot be replayed or parked.";

    /// <summary>What it needs to start.</summary>
    private const string Own = "order-notifications|order-notifications_watch|Contracts:.*|MassTransit:.*";

    private const string Everything = $"{Own}|billing|billing_parked|billing_(error|parked)_turn|faults_audit";
    private const string ReadEverything = "billing_error|billing_parked|billing_(error|parked)_turn|faults_audit";

    private static readonly (string Name, string? Value)[] Settings =
        [("Worker__Role", "Console"), ("Alerts__To", null), ("Faults__Queues__0__Name", "billing"), ("Faults__Queues__1__Name", "shipping")];

    [Test]
    public async Task Who_may_only_read_an_error_queue_looks_at_it_and_is_told_what_is_missing()
    {
        await StartAsync(Own, "billing_error|shipping_.*");

        var overview = (await GetAsync("/faults/api")).AsArray();
        var list = await GetAsync("/faults/api/billing/error");
        var page = await GetPageAsync("/faults/billing/error");
        var front = await GetPageAsync("/faults");
        var (code, parked) = await SendAsync(HttpMethod.Get, "/faults/api/billing/parked");
        var (denied, problem) = await SendAsync(HttpMethod.Post, "/faults/api/billing/error/replay", new { all = true });
        var (counted, _) = await SendAsync(HttpMethod.Post, "/faults/api/billing/error/replay", new { all = true, dryRun = true });

        const string NotReplayed = "The broker user `console` may not write to `billing`, so messages cannot be replayed.";
        const string NotRead = "The broker user `console` may not read from `billing_parked`, so messages cannot be shown, replayed or discarded.";
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                overview.Select(queue => $"{queue!["endpoint"]} {queue["queue"]} {queue["count"]}"),
                Is.EqualTo(["billing error 2", "billing parked 0", "shipping error 1", "shipping parked 0"]));
            Assert.That(
                RightsOf(overview[0]!),
                Is.EquivalentTo(
                [
                    "write billing_error_turn: replay, park",
                    "read billing_error_turn: replay, park",
                    "write faults_audit: replay, park",
                    "read faults_audit: audit",
                    "write billing: replay",
                    "write billing_parked: park",
                ]));
            Assert.That(
                RightsOf(overview[1]!),
                Is.SupersetOf(["read billing_parked: look, replay, discard", "write billing: replay", "write billing_parked_turn: replay, discard"]));
            Assert.That(list["items"]!.AsArray(), Has.Count.EqualTo(2));
            Assert.That(page, Does.Contain("<b>Read-only.</b>").And.Contain(NotReplayed).And.Not.Contain("/replay").And.Not.Contain("Park…").And.Not.Contain("checkbox\" name"));
            Assert.That(front, Does.Contain(NotRead).And.Contain("Parked: cannot be looked at").And.Contain("/faults/shipping/error").And.Not.Contain("/faults/billing/error/replay"));
            Assert.That((code, (string?)parked["detail"]), Is.EqualTo((403, NotRead)));
            Assert.That((denied, counted), Is.EqualTo((403, 403)));
            Assert.That((string?)problem["detail"], Does.Contain(NotReplayed).And.Contain(NoAudit));
            Assert.That(await TheSystem.CountAsync("billing_error"), Is.EqualTo(2), "Nothing has moved.");
        }
    }

    [Test]
    public async Task A_queue_without_any_right_is_named_and_hurts_no_other()
    {
        await StartAsync($"{Own}|faults_audit|shipping.*", "shipping_.*|faults_audit");

        var overview = (await GetAsync("/faults/api")).AsArray();
        var counts = await TheSystem.Worker.GetRequiredService<FaultInspector>().CountAllAsync(CancellationToken.None);
        var operation = await ActAsync(new(new("shipping"), FaultQueueKind.Error), FaultAction.Replay);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(overview.Select(queue => $"{queue!["endpoint"]} {queue["queue"]}"), Is.EqualTo(["billing error", "billing parked", "shipping error", "shipping parked"]));
            Assert.That(RightsOf(overview[0]!), Does.Contain("read billing_error: look, replay, park"));
            Assert.That(overview[2]!["missingRights"], Is.Null);
            Assert.That(counts.Endpoints.Select(endpoint => endpoint.Error), Is.EqualTo([0, 1]));
            Assert.That((operation.State, operation.Done), Is.EqualTo((OperationState.Done, 1)), operation.Error);
        }
    }

    [Test]
    public async Task A_right_that_is_given_counts_without_a_restart()
    {
        await StartAsync(Own, "billing_error");
        Assert.That(RightsOf((await GetAsync("/faults/api")).AsArray()[0]!), Is.Not.Empty);

        await SetAsync(Everything, ReadEverything);
        await Eventually.GetAsync(
            "a replay", async _ => (await SendAsync(HttpMethod.Post, "/faults/api/billing/error/replay", new { all = true })).Status, status => status == 200, TimeSpan.FromSeconds(30));

        await TheSystem.WaitForCountAsync("billing", 2);
        Assert.That((await GetAsync("/faults/api")).AsArray()[0]!["missingRights"], Is.Null);
    }

    [Test]
    public async Task A_right_that_is_taken_away_ends_the_operation_with_words_and_is_shown_from_then_on()
    {
        await StartAsync(Everything, ReadEverything);
        var before = (await GetAsync("/faults/api")).AsArray()[0]!["missingRights"];

        await SetAsync(Everything.Replace("billing|", "", StringComparison.Ordinal), ReadEverything);
        var operation = await ActAsync(Billing.Error, FaultAction.Replay);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before, Is.Null);
            Assert.That((operation.State, operation.Done), Is.EqualTo((OperationState.Failed, 0)));
            Assert.That(operation.Error, Is.EqualTo("The broker user `console` may not write to `billing`, so messages cannot be replayed."));
            Assert.That(RightsOf((await GetAsync("/faults/api")).AsArray()[0]!), Is.EqualTo(["write billing: replay"]));
            Assert.That(await TheSystem.CountAsync("billing_error"), Is.EqualTo(2));
        }
    }

    [Test]
    public async Task To_a_queue_without_an_exchange_the_right_to_the_default_exchange_is_missing()
    {
        await StartAsync(Everything, ReadEverything, hasExchange: false);

        var overview = (await GetAsync("/faults/api")).AsArray();
        await SetAsync($"{Everything}|amq\\.default", ReadEverything);
        await Eventually.GetAsync(
            "a replay", async _ => (await SendAsync(HttpMethod.Post, "/faults/api/billing/error/replay", new { all = true })).Status, status => status == 200, TimeSpan.FromSeconds(30));

        await TheSystem.WaitForCountAsync("billing", 2);
        Assert.That(RightsOf(overview[0]!), Is.EqualTo(["write amq.default: replay"]));
    }

    [Test]
    public async Task Without_the_right_to_declare_it_uses_what_is_there_and_says_what_is_not()
    {
        await StartAsync(Everything, $"{Own}|{ReadEverything}", configure: Own, topology: "Declare");
        await DoAsync(async channel =>
        {
            await channel.QueueDeleteAsync("billing_parked");
            await channel.ExchangeDeleteAsync("billing_parked");
            await channel.QueueDeleteAsync("billing_parked_turn");
        });

        var overview = (await GetAsync("/faults/api")).AsArray();
        var operation = await ActAsync(Billing.Error, FaultAction.Replay);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(RightsOf(overview[0]!), Is.EqualTo(["configure billing_parked: park"]));
            Assert.That(RightsOf(overview[1]!), Is.EqualTo(["configure billing_parked_turn: replay, discard"]));
            Assert.That((operation.State, operation.Done), Is.EqualTo((OperationState.Done, 2)), operation.Error);
        }
    }

    [Test]
    public async Task The_job_says_once_why_it_leaves_a_queue_alone()
    {
        await StartAsync(Own, "billing_error|billing_error_turn", settings: ("Faults__Queues__0__Replay", "true"));

        var told = await TheSystem.Log.WaitFor<RedeliverJob>(207);
        // Further passes have begun, each of which begins with the same question.
        await Eventually.GetAsync("passes", _ => GetAsync("/faults/api"), overview => (int)overview[0]!["count"]! == 2, TimeSpan.FromSeconds(20));

        Assert.That(told, Has.Count.EqualTo(1));
        Assert.That(told[0], Does.StartWith("The redeliver job leaves billing_error alone until its rights are complete. ").And.Contain(NoAudit));
    }

    [Test]
    public async Task A_lock_that_was_not_deployed_leaves_a_queue_that_can_be_looked_at()
    {
        await StartAsync(Everything, ReadEverything);
        await DoAsync(channel => channel.QueueDeleteAsync("billing_error_turn"));

        var list = await GetAsync("/faults/api/billing/error");
        var operation = await ActAsync(Billing.Error, FaultAction.Replay);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(list["items"]!.AsArray(), Has.Count.EqualTo(2));
            Assert.That(operation.Error, Is.EqualTo("The messages of billing_error cannot be moved, as its lock billing_error_turn is missing on the broker. Run the worker's command deploy-topology."));
            Assert.That(await TheSystem.CountAsync("billing_error"), Is.EqualTo(2));
        }
    }

    /// <summary>Deploys everything, puts two messages into one error queue and one into another, and starts the console as a user with rights of its own.</summary>
    private async Task StartAsync(
        string write, string read, string configure = "", bool hasExchange = true, string topology = "Deployed", params (string Name, string? Value)[] settings)
    {
        await DeclareAsync("billing", "billing_error", "shipping", "shipping_error");
        await DoAsync(async channel =>
        {
            foreach (var queue in hasExchange ? ["billing", "shipping"] : Array.Empty<string>())
            {
                await channel.ExchangeDeclareAsync(queue, ExchangeType.Fanout, durable: true);
                await channel.QueueBindAsync(queue, queue, "");
            }
        });
        await TheSystem.DeployTopologyAsTestsAsync(Settings);
        await PutAsync("billing_error", "one"u8.ToArray());
        await PutAsync("billing_error", "two"u8.ToArray());
        await PutAsync("shipping_error", "three"u8.ToArray());
        await SetAsync(write, read, configure);
        await StartConsoleAsync([.. Settings, .. BrokerUsers.SettingsOf(BrokerUsers.Console), ("RabbitMq__Topology", topology), .. settings]);
    }

    private Task SetAsync(string write, string read, string configure = "") =>
        TheSystem.SetPermissionsAsync(new(BrokerUsers.Console, $"^({configure})$", $"^({write})$", $"^({read})$"));

    private static IEnumerable<string> RightsOf(JsonNode queue) =>
        (queue["missingRights"]?.AsArray() ?? []).Select(right => $"{right!["right"]} {right["resource"]}: {string.Join(", ", right["for"]!.AsArray())}");

    private async Task<JsonNode> GetAsync(string address)
    {
        var (status, answer) = await SendAsync(HttpMethod.Get, address);
        Assert.That(status, Is.EqualTo(200), answer.ToJsonString());
        return answer;
    }

    private async Task<(int Status, JsonNode Answer)> SendAsync(HttpMethod method, string address, object? body = null)
    {
        using var request = new HttpRequestMessage(method, address) { Content = body is null ? null : JsonContent.Create(body) };
        request.Headers.Authorization = Basic.Of("olga");
        using var answer = await TheSystem.WorkerHttp.SendAsync(request);
        return ((int)answer.StatusCode, (await answer.Content.ReadFromJsonAsync<JsonNode>())!);
    }

    private async Task<string> GetPageAsync(string address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Authorization = Basic.Of("olga");
        using var answer = await TheSystem.WorkerHttp.SendAsync(request);
        return await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync();
    }
}
