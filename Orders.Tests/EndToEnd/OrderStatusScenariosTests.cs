using System.Net;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json.Nodes;
using Contracts;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orders.Api.Status;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Operations;

namespace Orders.Tests.EndToEnd;

/// <summary>What clients are told of their orders, whatever carries them; on a broker the order store is on a server too.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.InMemoryAndOnQuorumQueues))]
internal sealed class OrderStatusScenariosTests(TransportUnderTest transport) : OrderSystemTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Cleanup _cleanup = new();
    private ValkeyServer? _store;

    [OneTimeSetUp]
    public async Task StartTheStoreAsync() => _store = transport.Broker is null ? null : _cleanup.Add(await ValkeyServer.StartNewAsync());

    [OneTimeTearDown]
    public Task StopTheStoreAsync() => _cleanup.RunAsync();

    [Test]
    public async Task Clients_that_send_every_order_three_times_get_one_email_for_each()
    {
        await StartAsync();
        var orders = Enumerable.Range(0, 40).Select(i => new Sent($"thrice-{i}", $"customer-{i}@example.com")).ToArray();

        // At once, and once more when it is long placed.
        await Task.WhenAll(orders.Concat(orders).Select(PlaceAsync));
        await Task.WhenAll(orders.Select(WaitForConfirmedAsync));
        await Task.WhenAll(orders.Select(PlaceAsync));
        await PlaceAsync(new Sent("last", "customer@example.com"));
        await WaitForConfirmedAsync(new Sent("last", "customer@example.com"));

        Assert.That(TheSystem.ConfirmedOrders, Is.EquivalentTo(orders.Select(order => order.Id).Append("last")));

        Task PlaceAsync(Sent order) => TheSystem.PlaceAsync(order.Id, order.Email);

        Task WaitForConfirmedAsync(Sent order) => WaitForStatusAsync(order.Id, "confirmed");
    }

    [Test]
    public async Task An_order_that_is_delayed_parked_and_replayed_by_a_person_tells_all_of_it()
    {
        await StartAsync(("Replay__MaxAttempts", "1"));
        TheSystem.Mail.On(SmtpStep.Recipient, recipient => recipient == OrderSystem.Operator ? null : "451 4.3.0 <customer@example.com>: Try again later");
        var id = "life";

        await TheSystem.PlaceAsync(id);
        var failed = await WaitForStatusAsync(id, "failed");
        TheSystem.Mail.AsUsual(SmtpStep.Recipient);
        await TheSystem.Worker.GetRequiredService<FaultOperations>().StartAsync(
            new FaultRequest(ConfirmationFaults.Parked, FaultAction.Replay, new FaultFilter { OrderId = id }, reason: "The mail store has room again."), "olga", CancellationToken.None);
        var confirmed = await WaitForStatusAsync(id, "confirmed");
        using var again = await TheSystem.Http.PostAsJsonAsync("/orders", new { orderId = id, email = "customer@example.com", product = "Laptop" });

        var history = confirmed["history"]!.AsArray().Select(change => (string)change!["status"]!).ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((string?)failed["reason"], Does.Contain("in vain"));
            Assert.That(failed["failedAt"], Is.Not.Null);
            Assert.That((int?)failed["attempts"], Is.GreaterThan(0));
            Assert.That((string?)confirmed["messageId"], Is.EqualTo(TheSystem.Confirmations.Single().MessageId));
            Assert.That(confirmed["confirmedAt"], Is.Not.Null);
            Assert.That(confirmed["failedAt"], Is.Null);
            Assert.That(history[0], Is.EqualTo("placed"));
            Assert.That(history, Does.Contain("retrying").And.Contain("failed"));
            Assert.That(history[^1], Is.EqualTo("confirmed"));
            Assert.That(failed.ToJsonString() + confirmed.ToJsonString(), Does.Not.Contain("customer@example.com").And.Not.Contain("Laptop"));
            Assert.That((string?)(await again.Content.ReadFromJsonAsync<JsonNode>())!["status"], Is.EqualTo("confirmed"));
            Assert.That(TheSystem.Confirmations, Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Who_follows_an_order_sees_each_change_at_once()
    {
        await StartAsync();
        TheSystem.Mail.Once(SmtpStep.Recipient, "451 4.3.0 Try again");
        var tries = 0;
        TheSystem.Mail.On(SmtpStep.Recipient, _ => Interlocked.Increment(ref tries) <= 4 ? "451 4.3.0 Try again later" : null);
        var id = "followed";
        using var timeout = new CancellationTokenSource(Patience);
        await TheSystem.PlaceAsync(id);

        using var response = await TheSystem.Http.GetAsync(new Uri($"/orders/{id}/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, timeout.Token);
        Assert.That((int)response.StatusCode, Is.EqualTo(200));
        Assert.That(response.Content.Headers.ContentType?.MediaType, Is.EqualTo("text/event-stream"));
        var seen = new List<JsonNode>();
        await foreach (var item in SseParser.Create(await response.Content.ReadAsStreamAsync(timeout.Token)).EnumerateAsync(timeout.Token))
        {
            if (item.EventType == "status")
            {
                seen.Add(JsonNode.Parse(item.Data)!);
                if ((string?)seen[^1]["status"] == "confirmed")
                {
                    break;
                }
            }
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(seen.Select(status => status["history"]!.AsArray().Count), Is.Ordered);
            Assert.That((string?)seen[^1]["orderId"], Is.EqualTo(id));
            Assert.That(seen[^1].ToJsonString(), Is.EqualTo((await GetAsync(id)).ToJsonString()));
        }
    }

    [Test]
    public async Task What_a_worker_tells_of_a_further_notification_is_told_by_every_program()
    {
        await StartAsync();
        await TheSystem.PlaceAsync("further");

        await TheSystem.Worker.GetRequiredService<IBus>().Publish(
            new NotificationSent("order-shipped", "further", "1Z999", "<order-shipped-further@shop.example>", DateTimeOffset.UtcNow));

        var status = await Eventually.GetAsync("the notification is told", _ => GetAsync("further"), found => found["shipments"] is not null, Patience);
        Assert.That((string?)status["shipments"]![0]!["trackingNumber"], Is.EqualTo("1Z999"));
        Assert.That((string?)(await WaitForStatusAsync("further", "confirmed"))["shipments"]![0]!["status"], Is.EqualTo("sent"));
    }

    [Test]
    public async Task An_event_that_nobody_can_read_is_set_aside_and_the_next_one_counts()
    {
        if (transport.Broker is null)
        {
            Assert.Ignore("Only on a broker do strangers write into the queue.");
        }

        await StartAsync();
        await using (var connection = await TheSystem.ConnectAsync())
        await using (var channel = await connection.CreateChannelAsync(new(true, true)))
        {
            foreach (var body in new[] { "no JSON", "{}", """{"messageType":["urn:message:Contracts:OrderConfirmationSent"],"message":{"sentAt":"2026-11-26T12:00:00Z"}}""", """{"messageType":["urn:message:Contracts:NotificationSent"],"message":{"orderId":"1"}}""" })
            {
                await channel.BasicPublishAsync(
                    "", QueueNames.OrderStatus, mandatory: true, new RabbitMQ.Client.BasicProperties { ContentType = "application/vnd.masstransit+json" }, System.Text.Encoding.UTF8.GetBytes(body));
            }
        }

        await TheSystem.PlaceAsync("next");
        await WaitForStatusAsync("next", "confirmed");
        await TheSystem.WaitForCountAsync($"{QueueNames.OrderStatus}_error", 4);
    }

    [Test]
    public async Task An_event_that_waits_for_the_order_store_goes_back_to_its_queue_when_the_program_stops()
    {
        if (transport.Broker is null)
        {
            Assert.Ignore("Only on a broker do messages outlive the program.");
        }

        await using var store = await ValkeyServer.StartNewAsync();
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.StartApiAsync([.. store.Settings]);
        await store.StopAsync();
        await TheSystem.Api.GetRequiredService<IBus>().Publish(new OrderConfirmationSent("1", "<order-confirmation-1@shop.example>", DateTimeOffset.UtcNow));
        await TheSystem.Log.WaitFor<OrderStatusConsumer>(4);

        TheSystem.Api.GetRequiredService<IHostApplicationLifetime>().StopApplication();

        await TheSystem.WaitForCountAsync(QueueNames.OrderStatus, 1);
        Assert.That(await TheSystem.CountAsync($"{QueueNames.OrderStatus}_error"), Is.Zero);
    }

    [TestCase("unknown")]
    [TestCase("..%2f..%2fetc%2fpasswd")]
    [TestCase("%3Cscript%3Ealert(1)%3C%2Fscript%3E")]
    [TestCase("1%0d%0aSet-Cookie:%20a=b")]
    [TestCase("%F0%9F%98%80")]
    [TestCase("1'%20OR%201=1")]
    public async Task Nothing_is_known_of_an_order_that_nobody_placed(string id)
    {
        await StartAsync();

        foreach (var address in new[] { $"/orders/{id}", $"/orders/{id}/events", $"/orders/{id}/track" })
        {
            using var response = await TheSystem.Http.GetAsync(new Uri(address, UriKind.Relative));
            var body = await response.Content.ReadAsStringAsync();
            using (Assert.EnterMultipleScope())
            {
                Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.NotFound), address);
                Assert.That(body, Does.Not.Contain("alert(1)").And.Not.Contain("Exception"));
                Assert.That(
                    response.Content.Headers.ContentType?.MediaType,
                    Is.EqualTo(address.EndsWith("/track", StringComparison.Ordinal) ? "text/html" : "application/problem+json"));
            }
        }
    }

    [Test]
    public async Task An_order_that_another_program_placed_is_known_by_what_became_of_it()
    {
        await StartAsync();
        var id = "other";

        await TheSystem.SendRawAsync(
            System.Text.Encoding.UTF8.GetBytes($$"""{"orderId":"{{id}}","email":"customer@example.com","product":"Laptop"}"""), "application/json");
        var status = await WaitForStatusAsync(id, "confirmed");
        using var response = await TheSystem.Http.PostAsJsonAsync("/orders", new { orderId = id, email = "customer@example.com", product = "Laptop" });

        using (Assert.EnterMultipleScope())
        {
            Assert.That(status["placedAt"], Is.Null);
            Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
            Assert.That(TheSystem.Confirmations, Has.Count.EqualTo(1));
        }
    }

    private async Task StartAsync(params (string Name, string? Value)[] settings) =>
        TheSystem = await OrderSystem.StartAsync(transport, settings: [.. _store?.Settings ?? [], .. settings]);

    private async Task<JsonNode> GetAsync(string orderId) => (await TheSystem.Http.GetFromJsonAsync<JsonNode>(new Uri($"/orders/{orderId}", UriKind.Relative)))!;

    private Task<JsonNode> WaitForStatusAsync(string orderId, string status) =>
        Eventually.GetAsync($"order {orderId} is {status}", _ => GetAsync(orderId), found => (string?)found["status"] == status, Patience);

    private sealed record Sent(string Id, string Email);
}
