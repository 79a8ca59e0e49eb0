using System.Text;
using System.Text.Json.Nodes;
using Orders.FaultQueues;
using Orders.Messaging.Failures;
using RabbitMQ.Client;

namespace Orders.Tests.FaultQueues;

public sealed class FaultMessageTests
{
    private const string Envelope = "application/vnd.masstransit+json";

    private static readonly DateTimeOffset Noon = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    [Test]
    public void A_replay_keeps_what_the_sender_wrote_on_the_message()
    {
        var replay = Fault(headers: [("traceparent", "00-1-2-01"), ("x-tenant", Bytes("shop-1")), ("MT-Activity-Id", "3")]).ForReplay(1);

        Assert.That(replay.Headers, Is.EquivalentTo(new Dictionary<string, object?>
        {
            ["traceparent"] = "00-1-2-01",
            ["x-tenant"] = Bytes("shop-1"),
            ["MT-Activity-Id"] = "3",
            ["x-redeliver-count"] = 1,
        }));
    }

    [TestCase("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "4bf92f3577b34da6a3ce929d0e0e4736")]
    [TestCase("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", "4bf92f3577b34da6a3ce929d0e0e4736")]
    [TestCase("00-00000000000000000000000000000000-00f067aa0ba902b7-01", null)]
    [TestCase("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", null)]
    [TestCase("00-4bf92f3577b34da6a3ce929d0e0e473G-00f067aa0ba902b7-01", null)]
    [TestCase("00-<script>alert(1)</script>000000-00f067aa0ba902b7-01", null)]
    [TestCase("|legacy.1.", null)]
    [TestCase("", null)]
    public void A_trace_is_what_is_written_as_one(string header, string? traceId) => Assert.That(
        new[] { Fault(headers: [("MT-Activity-Id", header)]), Fault(headers: [("MT-Activity-Id", Bytes(header))]) }.Select(fault => fault.Trace?.TraceId.ToHexString()),
        Is.All.EqualTo(traceId));

    [Test]
    public void A_message_that_nobody_traces_has_no_trace() => Assert.That(Fault().Trace, Is.Null);

    [TestCase("MT-Fault-Message")]
    [TestCase("MT-Fault-StackTrace")]
    [TestCase("MT-Fault-Timestamp")]
    [TestCase("MT-Host-MachineName")]
    [TestCase("MT-Reason")]
    [TestCase("MT-Redelivery-Count")]
    [TestCase("x-failure-kind")]
    [TestCase("x-parked-reason")]
    [TestCase("x-parked-at")]
    [TestCase("x-death")]
    [TestCase("x-first-death-queue")]
    [TestCase("x-last-death-reason")]
    [TestCase("x-delivery-count")]
    [TestCase("x-acquired-count")]
    [TestCase("x-dotnet-pub-seq-no")]
    public void A_replay_strips_what_the_failure_wrote_on_it(string header)
    {
        var replay = Fault(headers: [(header, Bytes("7"))]).ForReplay(1);

        Assert.That(replay.Headers.Keys, Is.EqualTo(["x-redeliver-count"]));
    }

    [TestCase("1", "Permanent", "1")]
    [TestCase("2", "Permanent", null)]
    [TestCase("1", "Conflict", null)]
    public void An_edited_message_is_a_correction_of_its_order_and_of_no_other(string orderId, string kind, string? corrected)
    {
        var fault = Fault("""{"message":{"orderId":"1","email":"mistaken@example.com"}}""", headers: [("x-failure-kind", kind)]);

        var replay = fault.WithBody(Bytes($$$"""{"message":{"orderId":"{{{orderId}}}","email":"right@example.com"}}"""), Envelope, Guid.NewGuid(), ["orderId"]).ForReplay(0);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(replay.Text("x-corrected-order"), Is.EqualTo(corrected));
            Assert.That((string?)JsonNode.Parse(replay.Body.Span)!["headers"]!["x-corrected-order"], Is.EqualTo(corrected));
        }
    }

    [TestCase("1Z999", "1")]
    [TestCase("1Z998", null)]
    [TestCase("not an id", null)]
    public void An_edited_message_with_several_ids_is_a_correction_where_all_of_them_stay(string trackingNumber, string? corrected)
    {
        var fault = Fault("""{"message":{"orderId":"1","trackingNumber":"1Z999"},"headers":{"x-corrected-order":"1"}}""", headers: [("x-corrected-order", "1")]);

        var replay = fault.WithBody(
            Bytes($$$"""{"message":{"orderId":"1","trackingNumber":"{{{trackingNumber}}}"},"headers":{"x-corrected-order":"1"}}"""),
            Envelope,
            Guid.NewGuid(),
            ["orderId", "trackingNumber"]).ForReplay(0);

        Assert.That(replay.Text("x-corrected-order"), Is.EqualTo(corrected));
        Assert.That((string?)JsonNode.Parse(replay.Body.Span)!["headers"]!["x-corrected-order"], Is.EqualTo(corrected));
    }

    [Test]
    public void A_replay_changes_two_headers_of_the_envelope_and_nothing_else()
    {
        const string Body = """
            {
              "messageId": "01000000-5d0a-0015-7a2e-08dc00000001",
              "messageType": [ "urn:message:Contracts:OrderPlaced" ],
              "message": { "orderId": "1", "product": "L\u00e4ptop \ud83d\udcbb <b>", "price": 12345678901234567890.10, "gift": null },
              "headers": { "MT-Redelivery-Count": 3, "x-redeliver-count": 1, "x-tenant": "shop-1" },
              "unknown": [ 1, [ ] ]
            }
            """;

        var replay = JsonNode.Parse(Fault(Body).ForReplay(2).Body.Span)!;

        var expected = JsonNode.Parse(Body)!;
        expected["headers"] = new JsonObject { ["x-redeliver-count"] = 2, ["x-tenant"] = "shop-1" };
        using (Assert.EnterMultipleScope())
        {
            Assert.That(JsonNode.DeepEquals(replay, expected), Is.True, replay.ToJsonString());
            Assert.That(replay["message"]!["price"]!.ToJsonString(), Is.EqualTo("12345678901234567890.10"));
        }
    }

    [TestCase("""{"message":{"orderId":"1"}}""")]
    [TestCase("""{"message":{"orderId":"1"},"headers":null}""")]
    [TestCase("""{"message":{"orderId":"1"},"headers":"none"}""")]
    public void A_replay_is_counted_in_an_envelope_without_headers(string body)
    {
        var replay = Fault(body).ForReplay(4);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((int?)JsonNode.Parse(replay.Body.Span)!["headers"]!["x-redeliver-count"], Is.EqualTo(4));
            Assert.That((replay with { Headers = new Dictionary<string, object?>() }).RedeliverCount, Is.EqualTo(4));
        }
    }

    [TestCase("""{"orderId":"1", "headers":{"MT-Redelivery-Count":3}}""", "application/json")]
    [TestCase("not JSON", Envelope)]
    [TestCase("[]", Envelope)]
    [TestCase("", null)]
    public void A_body_that_is_no_envelope_is_replayed_byte_for_byte(string body, string? contentType)
    {
        var replay = Fault(body, contentType).ForReplay(1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Encoding.UTF8.GetString(replay.Body.Span), Is.EqualTo(body));
            Assert.That(replay.ContentType, Is.EqualTo(contentType));
            Assert.That(replay.RedeliverCount, Is.EqualTo(1));
        }
    }

    [Test]
    public void Parking_adds_why_and_when_and_changes_nothing_else()
    {
        var fault = Fault("""{ "message" : {} }""", headers: [("MT-Fault-Message", "no"), ("x-redeliver-count", 5), ("x-parked-reason", "earlier")]);

        var parked = fault.ForParking("Replayed 5 times in vain: no", Noon);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(parked.Body, Is.EqualTo(fault.Body));
            Assert.That(parked.Headers, Is.EquivalentTo(new Dictionary<string, object?>
            {
                ["MT-Fault-Message"] = "no",
                ["x-redeliver-count"] = 5,
                ["x-parked-reason"] = "Replayed 5 times in vain: no",
                ["x-parked-at"] = "2026-11-21T12:00:00.0000000+00:00",
            }));
        }
    }

    private static readonly TestCaseData[] Counts =
    [
        new(null, 0), new(3, 3), new(3L, 3), new((byte)3, 3), new("3", 3), new(Bytes("3"), 3), new(int.MaxValue, int.MaxValue),
        new(-1, 0), new("-1", 0), new(long.MaxValue, 0), new("99999999999999999999", 0), new("three", 0), new("3.5", 0), new(3.5, 0),
        new("", 0), new(Bytes("\0"), 0), new(new byte[] { 0xFF, 0xFE }, 0), new(true, 0), new(new List<object>(), 0),
    ];

    [TestCaseSource(nameof(Counts))]
    public void The_count_of_replays_is_read_however_it_is_written_and_0_where_it_is_nonsense(object? header, int count) =>
        Assert.That(Fault(headers: [("x-redeliver-count", header)]).RedeliverCount, Is.EqualTo(count));

    [TestCase("2", ExpectedResult = 2)]
    [TestCase("\"2\"", ExpectedResult = 2)]
    [TestCase("-2", ExpectedResult = 0)]
    [TestCase("1e99", ExpectedResult = 0)]
    [TestCase("{}", ExpectedResult = 0)]
    [TestCase("null", ExpectedResult = 0)]
    public int The_count_of_replays_is_read_from_the_envelope_where_no_header_tells_it(string count) =>
        Fault($$$"""{"headers":{"x-redeliver-count":{{{count}}}}}""").RedeliverCount;

    [TestCase("Permanent", ExpectedResult = FailureKind.Permanent)]
    [TestCase("Unreadable", ExpectedResult = FailureKind.Unreadable)]
    [TestCase("Transient", ExpectedResult = FailureKind.Transient)]
    [TestCase("Weird", ExpectedResult = FailureKind.Transient)]
    [TestCase(null, ExpectedResult = FailureKind.Transient)]
    public FailureKind The_kind_is_transient_where_nothing_else_is_written(string? header) =>
        Fault(headers: [("x-failure-kind", header is null ? null : Bytes(header))]).Kind;

    [TestCase("2026-11-21T12:00:00.0000000Z")]
    [TestCase("2026-11-21T12:00:00")]
    [TestCase("2026-11-21T13:00:00+01:00")]
    public void The_time_of_the_failure_is_read(string header) =>
        Assert.That(Fault(headers: [("MT-Fault-Timestamp", Bytes(header))]).FailedAt, Is.EqualTo(Noon));

    [TestCase("yesterday")]
    [TestCase("")]
    [TestCase(null)]
    public void The_time_of_the_failure_is_unknown_where_it_is_nonsense(string? header) =>
        Assert.That(Fault(headers: [("MT-Fault-Timestamp", header)]).FailedAt, Is.Null);

    [Test]
    public void A_header_that_is_a_list_of_tables_is_text_for_people()
    {
        var death = new Dictionary<string, object?>
        {
            ["queue"] = Bytes("order-confirmation_delay_5000"),
            ["count"] = 3L,
            ["routing-keys"] = new List<object?> { Bytes("5000") },
            ["time"] = new AmqpTimestamp(1_800_000_000),
        };

        Assert.That(
            Fault(headers: [("x-death", new List<object?> { death })]).Text("x-death"),
            Is.EqualTo("[{queue: order-confirmation_delay_5000, count: 3, routing-keys: [5000], time: 1800000000}]"));
    }

    [Test]
    public void The_error_is_one_short_line()
    {
        var error = Fault(headers: [("MT-Fault-Message", Bytes($"550 no\r\n\tsuch\u0007user {new string('x', 1_000)}"))]).Error;

        Assert.That(error, Has.Length.EqualTo(300).And.StartsWith("550 no such user xxx").And.EndsWith("…"));
    }

    [TestCase("""{"message":{"orderId":"12345"}}""", ExpectedResult = "12345")]
    [TestCase("""{"message":{"orderId":"12345\n2026-11-21 forged line"}}""", ExpectedResult = null)]
    [TestCase("""{"message":{"orderId":12345}}""", ExpectedResult = "12345")]
    [TestCase("""{"message":{"orderId":"INV/2026:7#a+b"}}""", ExpectedResult = "INV/2026:7#a+b")]
    [TestCase("""{"message":{"orderId":"ann@example.com"}}""", ExpectedResult = null)]
    [TestCase("""{"message":{"orderId":null}}""", ExpectedResult = null)]
    [TestCase("""{"message":"12345"}""", ExpectedResult = null)]
    [TestCase("""{"orderId":"12345"}""", ExpectedResult = null)]
    [TestCase("""["12345"]""", ExpectedResult = null)]
    [TestCase("12345", ExpectedResult = null)]
    [TestCase("not JSON", ExpectedResult = null)]
    [TestCase("", ExpectedResult = null)]
    public string? The_subject_is_read_where_it_is_a_proper_one(string body) => ConfirmationFaults.Endpoint.SubjectOf(Fault(body));

    [TestCase("""{"message":{"orderId":"1"},"message":{"orderId":"2"}}""", TestName = "A_field_twice_in_the_envelope_makes_nothing_fail")]
    [TestCase("""{"message":{"orderId":"1","orderId":"2"},"headers":{}}""", TestName = "A_field_twice_in_the_message_makes_nothing_fail")]
    [TestCase("""{"message":{"orderId":"1"},"headers":{"a":1,"a":2}}""", TestName = "A_header_twice_makes_nothing_fail")]
    [TestCase("""{"message":{"orderId":"\ud800"},"headers":{"x-redeliver-count":"\ud800"}}""", TestName = "Half_a_surrogate_pair_makes_nothing_fail")]
    [TestCase("""{"message":{"orderId":"1","\ud800":1},"headers":{"\ud800":1}}""", TestName = "Half_a_surrogate_pair_in_a_name_makes_nothing_fail")]
    [TestCase("""{"message":{"orderId":"1","product":"\ud800"}}""", TestName = "Half_a_surrogate_pair_elsewhere_makes_nothing_fail")]
    public void Hostile(string body)
    {
        var fault = Fault(body);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => fault.OrderId, Throws.Nothing);
            Assert.That(() => fault.RedeliverCount, Throws.Nothing);
            Assert.That(() => fault.ForReplay(1).RedeliverCount, Is.EqualTo(1));
        }
    }

    [TestCase("""{"order?d":"1"}""", "application/json")]
    [TestCase("""{"message":{"order?d":"1"},"headers":{"?":1}}""", Envelope)]
    public void A_name_that_is_no_UTF_8_makes_nothing_fail(string body, string contentType)
    {
        var bytes = Bytes(body);
        bytes[Array.LastIndexOf(bytes, (byte)'?')] = 0xA7;
        var fault = new FaultMessage(bytes, contentType, new Dictionary<string, object?>());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(fault.OrderId, Is.Null);
            Assert.That(fault.RedeliverCount, Is.Zero);
            Assert.That(() => fault.ForReplay(1), Throws.Nothing);
        }
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static FaultMessage Fault(string body = "{}", string? contentType = Envelope, (string Name, object? Value)[]? headers = null) =>
        new(Bytes(body), contentType, (headers ?? []).ToDictionary(header => header.Name, header => header.Value));
}
