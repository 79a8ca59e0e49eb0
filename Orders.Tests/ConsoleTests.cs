using System.Text;
using System.Text.Json.Nodes;
using Orders.Tests.FaultQueues;
using RabbitMQ.Client;

namespace Orders.Tests;

/// <summary>A worker in the role of a console, on the broker of a team that knows nothing of orders.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnBrokers))]
internal sealed class ConsoleTests(TransportUnderTest transport) : ForeignQueuesTests(transport)
{
    private readonly Cleanup _cleanup = new();

    [TearDown]
    public Task EndAsync() => _cleanup.RunAsync();

    [Test]
    public async Task It_looks_after_the_queues_that_it_was_told_of_and_brings_no_others_but_its_own()
    {
        await StartAsync(["one", "two"], ("Faults__Queues__0__Subject__0", "$.invoice.id"), ("Faults__Queues__0__SubjectName", "Invoice"));

        var overview = (await ReadAsync("")).AsArray();
        var found = (await ReadAsync("/billing/error?subject=two")).AsObject();
        var page = await GetPageAsync("/faults/billing/error");
        var queues = (await TheSystem.RunCtlAsync("list_queues", "--no-table-headers", "name")).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                overview.Select(queue => ((string?)queue!["endpoint"], (string?)queue["queue"], (int)queue["count"]!)),
                Is.EqualTo([("billing", "error", 2), ("billing", "parked", 0)]));
            Assert.That(found["items"]!.AsArray().Select(fault => (string?)fault!["subject"]), Is.EqualTo(["two"]));
            Assert.That(page, Does.Contain(">Invoice</th>").And.Contain(">one</a>").And.Contain(">two</a>"));
            Assert.That(
                queues.Where(queue => !queue.StartsWith("billing", StringComparison.Ordinal)), Is.EquivalentTo(["faults_audit", "order-notifications_watch"]), "what else there is on the broker");
        }
    }

    [Test]
    public async Task What_it_gives_up_is_told_to_the_webhook_in_words_that_know_no_orders()
    {
        var webhook = _cleanup.Add(await WebhookReceiver.StartAsync());
        await StartAsync(
            ["seven"],
            ("Faults__Queues__0__Subject__0", "$.invoice.id"),
            ("Faults__Queues__0__Replay", "true"),
            ("Replay__MaxAttempts", "0"),
            ("Alerts__Webhook__Url", webhook.Url));

        var alert = (await webhook.WaitForAsync(1))[0];

        await TheSystem.WaitForCountAsync(Billing.ParkingQueue, 1);
        Assert.That(alert.Body, Does.Contain("Given up: a message of billing about seven").And.Contain("billing_parked").And.Not.Contain("order").And.Not.Contain("customer"));
    }

    private async Task StartAsync(string[] invoices, params (string Name, string? Value)[] settings)
    {
        await DeclareAsync(Billing.Queue, Billing.ErrorQueue, Billing.ParkingQueue);
        foreach (var invoice in invoices)
        {
            await PutAsync(
                Billing.ErrorQueue,
                Encoding.UTF8.GetBytes($$$"""{"invoice":{"id":"{{{invoice}}}"}}"""),
                new BasicProperties { ContentType = "application/json", MessageId = Guid.NewGuid().ToString() });
        }

        await StartConsoleAsync(settings);
    }

    private async Task<JsonNode> ReadAsync(string path) => JsonNode.Parse(await GetPageAsync($"/faults/api{path}"))!;

    private async Task<string> GetPageAsync(string address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Authorization = Basic.Of("rita");
        using var answer = await TheSystem.WorkerHttp.SendAsync(request);
        return await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync();
    }
}
