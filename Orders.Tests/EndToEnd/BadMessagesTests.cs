using System.Globalization;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Orders.FaultQueues;
using Orders.FaultQueues.Inspection;
using Orders.Messaging.Failures;
using RabbitMQ.Client;

namespace Orders.Tests.EndToEnd;

/// <summary>
/// Messages that no program of ours sends. Each is a case of one run, since it is the others and the next good order that
/// must not suffer from it.
/// </summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.InMemoryAndOnQuorumQueues))]
internal sealed class BadMessagesTests(TransportUnderTest transport) : OrderSystemTests
{
    private const string Envelope = "application/vnd.masstransit+json";
    private const string Json = "application/json";

    /// <summary>The customer whose mail server is always busy.</summary>
    private const string Busy = "busy@example.com";

    private static readonly string Megabyte = new('x', 1_000_000);

    /// <summary>What cannot be read, however it is carried.</summary>
    private static readonly Case[] Unreadable =
    [
        new("not JSON", "this is not JSON"),
        new("empty", ""),
        new("half of a message", Wrap("half")[..100]),
        new("null", "null"),
        new("an array", "[1]"),
        new("a number", "42"),
        new("no envelope", """{"some":"thing"}"""),
        new("an envelope of nothing", """{"messageType":["urn:message:Contracts:OrderPlaced"]}"""),
        new("an envelope of null", """{"messageType":["urn:message:Contracts:OrderPlaced"],"message":null}"""),
        new("an envelope of another shape", """{"messageType":["urn:message:Contracts:OrderPlaced"],"message":{"unexpected":true}}"""),
        new("an unknown type", """{"messageType":["urn:message:Contracts:SomethingElse"],"message":{"orderId":"1"}}"""),
        new("types that are none", """{"messageType":{"a":1},"message":{"orderId":"1"}}"""),
        new("a field of the wrong type", """{"messageType":["urn:message:Contracts:OrderPlaced"],"message":{"orderId":{"a":1}}}"""),
        new("a time that is none", """{"messageType":["urn:message:Contracts:OrderPlaced"],"message":{"orderId":"1","email":"a@example.com","product":"x","placedAt":"yesterday"}}"""),
        new("half a surrogate pair", Wrap("half-a-pair").Replace("Laptop", "\\ud83d", StringComparison.Ordinal)),
        new("a megabyte of garbage", Megabyte),
        new("deep", Wrap("deep").Replace("\"Laptop\"", new string('[', 10_000) + new string(']', 10_000), StringComparison.Ordinal)),
        new("a product that is no UTF-8", "") { Bytes = Encoding.Latin1.GetBytes(Wrap("latin-2").Replace("Laptop", "Läptop", StringComparison.Ordinal)) },
        new("headers that are none", Wrap("headers", """
            "headers":[1],
            """)),
        new("a plain null", "null", Json),
        new("a plain array", "[]", Json),
        new("a plain nothing", "", Json),
        new("plain bytes", "bytes", Json),
        new("a plain something else", """{"some":"thing"}""", Json),
    ];

    private static readonly Case[] UnreadableOnBrokers =
    [
        new("no type", """{"orderId":"1"}""", null),
        new("a type that is none", "nonsense", "nonsense"),
        new("a type that ends too soon", "x", "application/"),
        new("a parameter twice", Wrap("twice-1"), "a/b;c=1;c=2"),
        new("a charset twice", "{}", "application/json; charset=utf-8; charset=utf-8"),
        new("an unknown charset", "{}", "application/json; charset=klingon"),
        new("UTF-7", "{}", "application/json; charset=utf-7"),
        new("UTF-16", "", "application/json; charset=utf-16") { Bytes = Encoding.Unicode.GetBytes("{}") },
    ];

    /// <summary>Orders that can be read, for a customer who cannot be reached: all that they say of their counts must not keep them going.</summary>
    private static readonly Case[] Counted =
    [
        .. from header in new[] { "MT-Redelivery-Count", "x-redeliver-count" }
           from value in new[] { "-5", "2147483647", "99999999999999999999", "\"text\"", "{\"a\":1}" }
           select new Case($"{header} {value} in the envelope", Wrap("ORDER", $"\"headers\":{{\"{header}\":{value}}},", Busy)),
        new("a fault address that is none", Wrap("ORDER", "\"faultAddress\":\"nowhere:1\",", Busy)),
        new("a response address that is none", Wrap("ORDER", "\"responseAddress\":\"nowhere:1\",\"requestId\":\"01000000-5d0a-0015-7a2e-08dc00000001\",", Busy)),
        new("its own queue as its fault address", Wrap("ORDER", "\"faultAddress\":\"queue:order-confirmation\",", Busy)),
        new("its own queue as its response address", Wrap("ORDER", "\"responseAddress\":\"queue:order-confirmation\",", Busy)),
        new("a message id that is none", Wrap("ORDER", "\"messageId\":\"12345\",", Busy)),
        new("a conversation id that is none", Wrap("ORDER", "\"conversationId\":\"12345\",", Busy)),
        new("addresses that are none", Wrap("ORDER", "\"sourceAddress\":\"not an address\",\"destinationAddress\":\"%\",", Busy)),
        new("a time out of the past", Wrap("ORDER", "\"sentTime\":\"2001-01-01T00:00:00Z\",\"expirationTime\":\"2001-01-01T00:00:01Z\",", Busy)),
    ];

    private static readonly Case[] CountedOnBrokers =
    [
        new("a count far below nothing in the envelope", Wrap("ORDER", $"\"headers\":{{\"MT-Redelivery-Count\":{int.MinValue}}},", Busy)),
        new("a count far below nothing beside a plain order", $$"""{"orderId":"ORDER","email":"{{Busy}}","product":"Laptop"}""", Json) { Configure = properties => properties.Headers!["MT-Redelivery-Count"] = int.MinValue },
        .. from header in new[] { "MT-Redelivery-Count", "x-redeliver-count", "x-delivery-count", "x-retry-count", "MT-Fault-Redelivery-Count", "x-failure-kind", "MT-Fault-Timestamp", "MT-Fault-Message", "MT-Reason", "MT-MessageType", "MT-Fault-Address", "MT-Host-Info", "traceparent", "MT-Activity-Id", "x-death" }
           from value in new object[] { -5L, -5, long.MaxValue, "nonsense", "-5", "2999-01-01T00:00:00Z", true, 3.5, new List<object?> { 1, "two" }, new Dictionary<string, object?> { ["a"] = "table" } }
           select new Case($"{header}: {Convert.ToString(value, CultureInfo.InvariantCulture)} ({value.GetType().Name})", Wrap("ORDER", "", Busy)) { Configure = properties => properties.Headers![header] = value },
        new("ids that are none", Wrap("ORDER", "", Busy)) { Configure = properties => (properties.MessageId, properties.CorrelationId) = ("not a guid", "not a guid") },
        new("an id that is empty", Wrap("ORDER", "", Busy)) { Configure = properties => properties.MessageId = "" },
        new("an id that is as long as can be", Wrap("ORDER", "", Busy)) { Configure = properties => properties.MessageId = new string('i', 255) },
        new("a great time", Wrap("ORDER", "", Busy)) { Configure = properties => properties.Timestamp = new AmqpTimestamp(long.MaxValue) },
        new("a reply address that is none", Wrap("ORDER", "", Busy)) { Configure = properties => properties.ReplyTo = "nowhere:1" },
        new("a large header", Wrap("ORDER", "", Busy)) { Configure = properties => properties.Headers!["x-large"] = new string('h', 60_000) },
        new("many headers", Wrap("ORDER", "", Busy)) { Configure = properties => { for (var i = 0; i < 1_000; i++) { properties.Headers![$"x-header-{i}"] = $"{i}"; } } },
        new("a header that is no UTF-8", Wrap("ORDER", "", Busy)) { Configure = properties => properties.Headers!["x-latin"] = new byte[] { 0xE4, 0xFF } },
    ];

    [Test]
    public async Task Bad_messages_are_parked_and_can_be_looked_at_and_the_next_order_is_confirmed()
    {
        TheSystem = await OrderSystem.StartAsync(transport, settings: [("Replay__MaxAttempts", "1"), ("OrderConfirmation__Retries", "0"), ("Alerts__To", null)]);
        TheSystem.Mail.On(SmtpStep.Recipient, recipient => recipient == Busy ? "451 4.3.0 Try again later" : null);
        Case[] cases = [.. Unreadable, .. Counted, .. transport.Broker is null ? [] : UnreadableOnBrokers.Concat(CountedOnBrokers)];

        var orders = 0;
        foreach (var bad in cases.Select(bad => bad.IsOrder ? bad with { Body = bad.Body.Replace("ORDER", $"counted-{orders++}", StringComparison.Ordinal) } : bad))
        {
            await TheSystem.SendRawAsync(bad.Bytes ?? Encoding.UTF8.GetBytes(bad.Body), bad.ContentType, properties =>
            {
                properties.Headers!["x-case"] = bad.Name;
                bad.Configure?.Invoke(properties);
            });
        }

        await TheSystem.PlaceAsync("next");
        await TheSystem.Mail.WaitFor("the next order's email", mail => mail.Messages.Any(message => message.MessageId.Contains("next", StringComparison.Ordinal)), TimeSpan.FromSeconds(60));
        await Eventually.GetAsync(
            "every bad message in parking",
            cancellationToken => TheSystem.Faults.CountAsync(OrderConfirmationEndpoint.ParkingQueue, cancellationToken),
            count => count >= cases.Length,
            TimeSpan.FromSeconds(90));

        Assert.That(TheSystem.Log.Of<FaultSorter>(212), Is.Empty, "what could not be set aside");
        var parked = await TheSystem.ReadAsync(OrderConfirmationEndpoint.ParkingQueue);
        // In memory nothing but the body comes through to tell one from the other.
        if (transport.Broker is not null)
        {
            var unreadable = Unreadable.Concat(UnreadableOnBrokers).Select(bad => bad.Name).ToArray();
            Assert.That(
                parked.Select(fault => fault.OrderId?.StartsWith("counted-", StringComparison.Ordinal) == true ? fault.OrderId : fault.Text("x-case")),
                Is.EquivalentTo(unreadable.Concat(Enumerable.Range(0, orders).Select(number => $"counted-{number}"))));
            Assert.That(
                parked.Where(fault => unreadable.Contains(fault.Text("x-case")) && fault.Kind != FailureKind.Unreadable).Select(fault => (fault.Text("x-case"), fault.Error)),
                Is.Empty);
        }

        Assert.That(parked, Has.Count.EqualTo(cases.Length));
        var inspector = TheSystem.Worker.GetRequiredService<FaultInspector>();
        var page = await inspector.ListAsync(ConfirmationFaults.Parked, new FaultFilter(), 0, FaultInspector.LongestPage, CancellationToken.None);
        Assert.That(page.Items, Has.Count.EqualTo(cases.Length));
        foreach (var fault in page.Items)
        {
            Assert.That(await inspector.FindAsync(ConfirmationFaults.Parked, fault.Id, CancellationToken.None), Is.Not.Null);
        }
    }

    private static string Wrap(string orderId, string fields = "", string email = "customer@example.com") =>
        $$$"""{ {{{fields}}} "messageType":["urn:message:Contracts:OrderPlaced"],"message":{"orderId":"{{{orderId}}}","email":"{{{email}}}","product":"Laptop","placedAt":"2026-11-21T12:00:00Z"}}""";

    private sealed record Case(string Name, string Body, string? ContentType = Envelope)
    {
        public byte[]? Bytes { get; init; }

        public bool IsOrder => Body.Contains("ORDER", StringComparison.Ordinal);

        public Action<BasicProperties>? Configure { get; init; }
    }
}
