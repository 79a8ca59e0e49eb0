using System.Diagnostics;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Orders.FaultQueues;
using Orders.Tests.EndToEnd;

namespace Orders.Tests.ServiceDefaults.Telemetry;

/// <summary>One trace leads from the answer to an order to its email, whatever happens in between.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.InMemoryAndOnQuorumQueues))]
internal sealed class TraceTests(TransportUnderTest transport) : OrderSystemTests
{
    private const string Smtp = "smtp send";

    [Test]
    public async Task The_answer_and_the_email_name_the_same_trace_though_nobody_records_it()
    {
        TheSystem = await OrderSystem.StartAsync(transport);

        var traceId = await PlaceAsync("1");

        var email = (await TheSystem.Mail.WaitForMessages(1))[0];
        Assert.That(email.Header("X-Trace-Id"), Is.EqualTo(traceId));
    }

    [Test]
    public async Task A_caller_that_has_a_trace_already_is_heard_and_nothing_else_of_it()
    {
        TheSystem = await OrderSystem.StartAsync(transport, settings: FailingOrders.Settings);
        TheSystem.RefuseConfirmations();
        var callers = "4bf92f3577b34da6a3ce929d0e0e4736";

        var traceId = await PlaceAsync("1", ("traceparent", $"00-{callers}-00f067aa0ba902b7-00"), ("baggage", "secret=mine"), ("tracestate", "secret=mine"));

        var fault = await WaitForFaultAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(traceId, Is.EqualTo(callers));
            Assert.That(fault.Trace?.TraceId.ToHexString(), Is.EqualTo(callers));
            Assert.That(fault.Headers.Keys.Select(name => $"{name}: {fault.Text(name)}").Append(Encoding.UTF8.GetString(fault.Body.Span)), Has.None.Contains("secret"));
        }
    }

    [Test]
    public async Task The_spans_of_an_order_that_goes_well()
    {
        using var spans = new Spans();
        TheSystem = await OrderSystem.StartAsync(transport);

        var traceId = await PlaceAsync("1");

        var smtp = (await spans.WaitForAsync(traceId, Smtp))[0];
        await spans.WaitForAsync(traceId, "order-confirmation receive");
        await spans.WaitForAsync(traceId, "Microsoft.AspNetCore.Hosting.HttpRequestIn");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                // In memory, MassTransit calls the exchange by the whole name of its type.
                spans.Around(smtp).Select(span => $"{span.Kind} {span.OperationName.Replace("urn:message:", "", StringComparison.Ordinal)}"),
                Is.EqualTo(["Consumer order-confirmation process", "Consumer order-confirmation receive", "Producer Contracts:OrderPlaced send", "Server Microsoft.AspNetCore.Hosting.HttpRequestIn"]));
            Assert.That(smtp.Kind, Is.EqualTo(ActivityKind.Client));
            Assert.That(smtp.GetTagItem("server.address"), Is.EqualTo(FakeSmtpServer.Host));
            Assert.That(smtp.GetTagItem("server.port"), Is.EqualTo(TheSystem.Mail.Port));
            Assert.That(smtp.Status, Is.EqualTo(ActivityStatusCode.Unset));
        }
    }

    [Test]
    public async Task The_spans_of_an_order_that_is_retried_redelivered_replayed_and_parked()
    {
        using var spans = new Spans();
        TheSystem = await OrderSystem.StartAsync(transport, settings: ("Replay__MaxAttempts", "1"));
        TheSystem.RefuseConfirmations();

        var traceId = await PlaceAsync("1");

        await TheSystem.WaitForParked(1);
        var alert = (await TheSystem.Mail.WaitForMessages(1))[0];
        var tries = await spans.WaitForAsync(traceId, Smtp, (2 * OrderSystem.TriesInACycle) + 1);
        var replay = await spans.WaitForAsync(traceId, "order-confirmation replay");
        var park = await spans.WaitForAsync(traceId, "order-confirmation park");
        var request = await spans.WaitForAsync(traceId, "Microsoft.AspNetCore.Hosting.HttpRequestIn");
        // A span is there when it has ended, and those around the last email end after it.
        await Eventually.GetAsync(
            "one tree of all of it", _ => Task.FromResult(tries.All(smtp => spans.Around(smtp).LastOrDefault() == request[0])), isOne => isOne, TimeSpan.FromSeconds(20));
        var refused = tries.Where(smtp => smtp.Status == ActivityStatusCode.Error).ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(refused, Has.Length.EqualTo(2 * OrderSystem.TriesInACycle), "And the alert went well.");
            Assert.That(refused.Select(smtp => smtp.GetTagItem("error.type")), Is.All.EqualTo("Orders.Email.TransientEmailException"));
            Assert.That(refused.Count(smtp => spans.Around(smtp).Contains(replay.Single())), Is.EqualTo(OrderSystem.TriesInACycle));
            Assert.That(park, Has.Count.EqualTo(1));
            Assert.That(alert.Header("X-Trace-Id"), Is.EqualTo(traceId));
            Assert.That(spans.Of(traceId).SelectMany(TextsOf), Has.None.Contains("@example.com").IgnoreCase);
            Assert.That(spans.Of(traceId).SelectMany(TextsOf), Has.None.Contains("Laptop"));
        }
    }

    [Test]
    public async Task A_fault_names_the_trace_and_a_replay_by_a_person_is_linked_to_what_asked_for_it()
    {
        using var spans = new Spans();
        TheSystem = await OrderSystem.StartAsync(transport, settings: [.. FailingOrders.Settings, .. Basic.Users]);
        TheSystem.RefuseConfirmations();
        var traceId = await PlaceAsync("1");
        await TheSystem.Log.WaitFor<FaultSorter>(210);

        var list = await Eventually.GetAsync(
            "the fault", async _ => (await AskAsync(HttpMethod.Get, "/faults/api/order-confirmation/error?orderId=1"))!["items"]!.AsArray(), items => items.Count == 1, TimeSpan.FromSeconds(20));
        var details = await AskAsync(HttpMethod.Get, $"/faults/api/order-confirmation/error/{list[0]!["id"]}");
        TheSystem.Mail.AsUsual(SmtpStep.Recipient);
        await AskAsync(HttpMethod.Post, "/faults/api/order-confirmation/error/replay", """{"filter":{"orderId":"1"},"atMost":1,"reason":"because"}""");

        var email = (await TheSystem.Mail.WaitForMessages(1))[0];
        var replay = (await spans.WaitForAsync(traceId, "order-confirmation replay"))[0];
        using (Assert.EnterMultipleScope())
        {
            Assert.That((string?)details!["traceId"], Is.EqualTo(traceId));
            Assert.That(email.Header("X-Trace-Id"), Is.EqualTo(traceId));
            var asked = replay.Links.Single().Context.TraceId.ToHexString();
            Assert.That(asked, Is.Not.EqualTo(traceId));
            Assert.That(spans.Of(asked).Select(span => span.Kind), Has.Some.EqualTo(ActivityKind.Server));
        }
    }

    [Test]
    public async Task A_stranger_s_message_gets_a_trace_of_its_own()
    {
        TheSystem = await OrderSystem.StartAsync(transport, settings: FailingOrders.Settings);
        TheSystem.RefuseConfirmations();

        await TheSystem.SendRawAsync(
            Encoding.UTF8.GetBytes("""{"orderId":"1","email":"customer@example.com","product":"Laptop"}"""),
            "application/json",
            properties => properties.Headers!["MT-Activity-Id"] = "<script>alert(1)</script>");

        var fault = await WaitForFaultAsync();
        Assert.That(fault.Trace?.TraceId.ToHexString(), Does.Match("^[0-9a-f]{32}$"));
    }

    /// <summary>Places an order.</summary>
    /// <returns>The trace that the answer names.</returns>
    private async Task<string> PlaceAsync(string orderId, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/orders")
        {
            Content = JsonContent.Create(new { orderId, email = "customer@example.com", product = "Laptop" }),
        };
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        using var response = await TheSystem.Http.SendAsync(request);
        Assert.That((int)response.StatusCode, Is.EqualTo(202), await response.Content.ReadAsStringAsync());
        var traceParent = response.Headers.GetValues("traceparent").Single();
        Assert.That(traceParent, Does.Match("^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$"));
        return traceParent.Split('-')[1];
    }

    private async Task<FaultMessage> WaitForFaultAsync()
    {
        await TheSystem.Log.WaitFor<FaultSorter>(210);
        var faults = await Eventually.GetAsync(
            "the fault", _ => TheSystem.ReadAsync("order-confirmation_error"), faults => faults.Count == 1, TimeSpan.FromSeconds(20));
        return faults[0];
    }

    private async Task<JsonNode?> AskAsync(HttpMethod method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Headers = { Authorization = Basic.Of("olga") } };
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        using var response = await TheSystem.WorkerHttp.SendAsync(request);
        var answer = await response.Content.ReadAsStringAsync();
        Assert.That(response.IsSuccessStatusCode, Is.True, answer);
        return JsonNode.Parse(answer);
    }

    private static IEnumerable<string> TextsOf(Activity span) =>
        span.TagObjects.Concat(span.Events.SelectMany(happened => happened.Tags)).Select(tag => $"{tag.Value}").Append(span.DisplayName).Append(span.StatusDescription ?? "");
}
