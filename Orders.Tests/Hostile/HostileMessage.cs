using System.Globalization;
using System.Text;
using CsCheck;
using RabbitMQ.Client;

namespace Orders.Tests.Hostile;

/// <summary>A message as it lies in the queue when a stranger has written it: bytes, what they are said to be, and headers that lie.</summary>
/// <param name="Order">The order in it, if there is one that can be read.</param>
/// <param name="Body">The body: an order by itself, or in MassTransit's envelope, or neither.</param>
/// <param name="Configure">Sets AMQP's properties.</param>
internal sealed record HostileMessage(HostileOrder Order, byte[] Body, Action<BasicProperties> Configure)
{
    private const string Envelope = "application/vnd.masstransit+json";

    private static readonly Gen<string?> ContentTypes = Gen.Frequency(
        (10, (IGen<string?>)Gen.Const<string?>("application/json")),
        (2, Gen.OneOf<string?>(null, "", "json", "text/plain", Envelope, "application/vnd.masstransit+bson", "application/xml", "application/json; charset=utf-16", "application/json; charset=\"\r\nBcc: thief@evil.example\"", "a/b;c=1;c=2", "application/", "\0", new string('c', 255))));

    private static readonly Gen<string> HeaderNames = Gen.OneOf(
        "MT-Redelivery-Count", "x-redeliver-count", "x-delivery-count", "x-retry-count", "x-failure-kind", "x-parked-reason", "x-parked-at", "x-original-message-id", "x-death",
        "MT-Fault-Message", "MT-Fault-ExceptionType", "MT-Fault-StackTrace", "MT-Fault-Timestamp", "MT-Fault-Redelivery-Count", "MT-Reason", "MT-MessageType", "MT-Fault-Address", "MT-Host-Info", "MT-Activity-Id",
        "traceparent", "tracestate", "Bcc", "To", "Subject", "Content-Type", "ContentType", "MessageId", "publishId", "\r\nBcc: thief@evil.example", "", new string('n', 200));

    // Not NaN: RabbitMQ closes the connection of whoever sends it.
    private static readonly Gen<object?> HeaderValues = Gen.OneOf<object?>(
        null, true, (byte)7, (short)-1, -5, int.MinValue, long.MaxValue, 3.5, 1.5m, "nonsense", "-5", "99999999999999999999", "2999-01-01T00:00:00Z", "Transient", HostileOrder.Thief,
        "\r\nBcc: thief@evil.example", "urn:message:Contracts:OrderPlaced", "00-00000000000000000000000000000000-0000000000000000-00", new string('v', 5_000), new byte[] { 0xE4, 0xFF, 0x00 },
        new AmqpTimestamp(long.MaxValue), new List<object?> { 1, "two", new List<object?>() }, new Dictionary<string, object?> { ["a"] = "table", [""] = null });

    /// <summary>Fields of the envelope beside the message, each of which a sound one has otherwise.</summary>
    private static readonly Gen<string> Fields = Gen.OneOf(
        "\"messageId\":\"12345\"", "\"messageId\":{}", "\"conversationId\":1", "\"correlationId\":\"\\u0000\"", "\"requestId\":\"01000000-5d0a-0015-7a2e-08dc00000001\"",
        "\"sourceAddress\":\"not an address\"", "\"destinationAddress\":\"%\"", "\"responseAddress\":\"nowhere:1\"", "\"responseAddress\":\"rabbitmq://evil.example/x\"", "\"faultAddress\":\"nowhere:1\"", "\"faultAddress\":\"queue:order-confirmation\"",
        "\"expirationTime\":\"2001-01-01T00:00:00Z\"", "\"sentTime\":\"9999-12-31T23:59:59Z\"", "\"sentTime\":\"yesterday\"", "\"sentTime\":null",
        "\"headers\":{\"MT-Redelivery-Count\":-5}", "\"headers\":{\"MT-Redelivery-Count\":2147483647}", "\"headers\":{\"x-redeliver-count\":{\"a\":1}}", "\"headers\":{\"Bcc\":\"thief@evil.example\"}", "\"headers\":[1]", "\"headers\":null",
        "\"host\":{\"machineName\":1}", "\"host\":[]", "\"message\":{\"email\":\"thief@evil.example\"}", "\"messageType\":[]", "\"$type\":\"System.Diagnostics.Process\"", "\"bcc\":\"thief@evil.example\"");

    private static readonly Gen<string> Types = Gen.Frequency(
        (12, (IGen<string>)Gen.Const("[\"urn:message:Contracts:OrderPlaced\"]")),
        (3, Gen.OneOf("[\"urn:message:Contracts:SomethingElse\"]", "[\"urn:message:Contracts:OrderConfirmationSent\"]", "[\"urn:message:MassTransit:Fault[[Contracts:OrderPlaced]]\"]", "[]", "null", "{}", "[null]", "[1]", "\"urn:message:Contracts:OrderPlaced\"", "[\"\\r\\n\"]")));

    private static readonly Gen<string?> Ids = Gen.Frequency(
        (3, (IGen<string?>)Gen.Const<string?>(default(string))),
        (1, Gen.Guid.Select<Guid, string?>(id => id.ToString())),
        (1, Gen.OneOf<string?>("", "not a guid", "\r\nBcc: thief@evil.example", new string('i', 255))));

    private static readonly Gen<Action<BasicProperties>> Properties = Gen.Select(
        Gen.Select(HeaderNames, HeaderValues).Array[0, 3], Ids, Ids, Ids, Gen.OneOf(0L, 1L, -1L, long.MaxValue), Gen.Bool,
        (headers, messageId, correlationId, replyTo, time, persistent) => (Action<BasicProperties>)(properties =>
        {
            foreach (var (name, value) in headers)
            {
                properties.Headers![name] = value;
            }

            (properties.MessageId, properties.CorrelationId, properties.ReplyTo, properties.Type) = (messageId, correlationId, replyTo, correlationId);
            properties.Timestamp = new AmqpTimestamp(time);
            properties.Persistent = persistent;
        }));

    /// <summary>Messages without end: the same ones for the same seed.</summary>
    public static IEnumerable<HostileMessage> Generate(PCG random)
    {
        foreach (var (order, body) in HostileOrder.Generate(random, "m"))
        {
            var configure = Properties.Generate(random, null, out _);
            var isWrapped = Gen.Bool.Generate(random, null, out _);
            var contentType = isWrapped ? Envelope : ContentTypes.Generate(random, null, out _);
            var bytes = isWrapped ? Wrap(body, Types.Generate(random, null, out _), Fields.Array[0, 2].Generate(random, null, out _)) : body;
            yield return new HostileMessage(order, bytes, properties =>
            {
                properties.ContentType = contentType;
                configure(properties);
            });
        }
    }

    /// <summary>Adds what a broker takes once, and may not take again as it is from somebody else or with more headers.</summary>
    public static void MakeUnmovable(BasicProperties properties, string user, PCG random)
    {
        foreach (var change in Unmovable(user).Array[0, 3].Generate(random, null, out _))
        {
            change(properties);
        }
    }

    private static Gen<Action<BasicProperties>> Unmovable(string user) => Gen.OneOf<Action<BasicProperties>>(
        _ => { },
        properties => properties.UserId = user,
        properties => properties.Expiration = "86400000",
        properties => properties.Priority = 255,
        properties => (properties.AppId, properties.ClusterId, properties.ContentEncoding) = (new string('a', 255), "c", "gzip"),
        properties => properties.ReplyTo = new string('€', 85),
        properties => properties.Headers!["x-large"] = new string('l', 128_500),
        properties => properties.Headers!["x-larger"] = new byte[130_000],
        properties => properties.Headers!["MT-Fault-StackTrace"] = new string('s', 100_000),
        properties => properties.Headers!["x-table"] = Enumerable.Range(0, 5_000).ToDictionary(number => $"{number}", number => (object?)number),
        properties => properties.Headers!["CC"] = new List<object?> { "order-confirmation-nowhere" },
        properties => properties.Headers!["x-types"] = new List<object?> { (sbyte)-1, (ushort)1, 2u, 3f, new BinaryTableValue([1, 2]), 1.5m, null, true });

    private static byte[] Wrap(byte[] message, string types, string[] fields) =>
    [
        .. Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"messageType\":{types},{string.Concat(fields.Select(field => $"{field},"))}\"message\":")),
        .. message,
        (byte)'}',
    ];
}
