using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Orders.FaultQueues;
using Orders.Messaging;
using Orders.Messaging.Failures;
using Orders.Tests.EndToEnd;
using RabbitMQ.Client;

namespace Orders.Tests.FaultQueues;

/// <summary>An endpoint of another program beside our own: its faults are looked after, and never mistaken for ours.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnBrokers))]
internal sealed class SeveralEndpointsTests(TransportUnderTest transport) : OrderSystemTests
{
    private static readonly FaultEndpoint Billing = new("billing") { Subject = [JsonPath.Parse("$.orderId")] };

    [Test]
    public async Task Each_endpoint_has_its_own_list_its_own_replays_and_its_own_parking()
    {
        await StartAsync(Fault("invoice-1"), Fault("invoice-2"), Fault("invoice-3", FailureKind.Permanent));
        await TheSystem.WaitForCountAsync(Billing.ParkingQueue, 1);

        var billing = await ReadAsync("/billing/error");
        var ours = await ReadAsync("/order-confirmation/error");
        await ActAsync("/billing/error/replay", new { filter = new { orderId = "invoice-1" } });
        await ActAsync("/billing/error/park", new { filter = new { orderId = "invoice-2" }, reason = "not ours to send" });

        await TheSystem.WaitForCountAsync(Billing.Queue, 1);
        await TheSystem.WaitForCountAsync(Billing.ParkingQueue, 2);
        var replayed = (await TheSystem.ReadAsync(Billing.Queue)).Single();
        var parked = await TheSystem.ReadAsync(Billing.ParkingQueue);
        var audit = (await Eventually.GetAsync(
            "the audit trail", _ => ReadAsync("/audit?endpoint=billing&take=500"), entries => entries.AsArray().Count >= 7, TimeSpan.FromSeconds(20))).AsArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(OrdersIn(billing), Is.EquivalentTo(["invoice-1", "invoice-2"]));
            Assert.That(OrdersIn(ours), Is.Empty);
            Assert.That((replayed.OrderId, replayed.RedeliverCount), Is.EqualTo(("invoice-1", 1)));
            Assert.That(parked.Select(message => message.OrderId), Is.EquivalentTo(["invoice-3", "invoice-2"]));
            Assert.That(audit.Select(entry => (string?)entry!["endpoint"]), Is.All.EqualTo("billing"));
            Assert.That(await ReadAsync("/audit?endpoint=order-confirmation"), Is.Empty);
            // Nobody has said in which words its parked messages are announced.
            Assert.That(TheSystem.Alerts, Is.Empty);
        }
    }

    [Test]
    public async Task The_overview_and_the_page_show_every_endpoint()
    {
        await StartAsync(Fault("invoice-1"));

        var overview = (await ReadAsync("")).AsArray();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/faults");
        request.Headers.Authorization = Basic.Of("rita");
        using var page = await TheSystem.WorkerHttp.SendAsync(request);

        Assert.That(
            overview.Select(queue => ((string?)queue!["endpoint"], (string?)queue["queue"], (int)queue["count"]!)),
            Is.SupersetOf([("order-confirmation", "error", 0), ("order-confirmation", "parked", 0), ("billing", "error", 1), ("billing", "parked", 0)]));
        Assert.That(await page.Content.ReadAsStringAsync(), Does.Contain("/faults/billing/error").And.Contain("/faults/order-confirmation/parked"));
    }

    private async Task StartAsync(params FaultMessage[] faults)
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await using (var connection = await TheSystem.ConnectAsync())
        await using (var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true)))
        {
            foreach (var queue in new[] { Billing.Queue, Billing.ErrorQueue, Billing.ParkingQueue })
            {
                await channel.DeclareWithExchangeAsync(queue, QueueArguments.Holding(transport.QueueType), CancellationToken.None);
            }

            foreach (var fault in faults)
            {
                var properties = new BasicProperties
                {
                    MessageId = fault.MessageId,
                    ContentType = fault.ContentType,
                    Headers = new Dictionary<string, object?>(fault.Headers),
                };
                await channel.BasicPublishAsync("", Billing.ErrorQueue, mandatory: true, properties, fault.Body);
            }
        }

        await TheSystem.StartWorkerAsync(services => services.AddSingleton(Billing), [.. Basic.Users, .. FailingOrders.Settings]);
    }

    /// <summary>A fault that is not due yet.</summary>
    private static FaultMessage Fault(string orderId, FailureKind kind = FailureKind.Transient) =>
        SampleFaults.Create(orderId, kind: kind, failedAt: DateTimeOffset.UtcNow);

    private async Task<JsonNode> ReadAsync(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/faults/api{path}");
        request.Headers.Authorization = Basic.Of("rita");
        using var answer = await TheSystem.WorkerHttp.SendAsync(request);
        return (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonNode>())!;
    }

    private async Task ActAsync(string path, object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/faults/api{path}") { Content = JsonContent.Create(body) };
        request.Headers.Authorization = Basic.Of("olga");
        using var answer = await TheSystem.WorkerHttp.SendAsync(request);
        answer.EnsureSuccessStatusCode();
    }

    private static IEnumerable<string?> OrdersIn(JsonNode page) => page["items"]!.AsArray().Select(fault => (string?)fault!["orderId"]);
}
