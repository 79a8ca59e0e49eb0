using System.Text.Json;
using Contracts;
using MassTransit;
using MassTransit.Serialization;
using Orders.Email.Outages;
using Orders.FaultQueues;
using Orders.FaultQueues.Access;
using Orders.Messaging.Operators;

namespace Orders.Tests.Contracts;

/// <summary>What other programs know the messages by. A change that fails here breaks them, and what waits in queues.</summary>
public sealed class ContractTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 21, 12, 0, 0, 123, TimeSpan.Zero);

    private static readonly JsonSerializerOptions OnOneLine = new(SystemTextJsonMessageSerializer.Options) { WriteIndented = false };

    private static readonly TestCaseData[] Messages =
    [
        new TestCaseData(
            new OrderPlaced("12345", "customer@example.com", "Laptop", Noon),
            "urn:message:Contracts:OrderPlaced",
            """{"orderId":"12345","email":"customer@example.com","product":"Laptop","placedAt":"2026-11-21T12:00:00.123+00:00"}""")
            .SetArgDisplayNames("OrderPlaced"),
        new TestCaseData(
            new OrderConfirmationSent("12345", "<order-confirmation-12345@shop.example>", Noon),
            "urn:message:Contracts:OrderConfirmationSent",
            """{"orderId":"12345","messageId":"<order-confirmation-12345@shop.example>","sentAt":"2026-11-21T12:00:00.123+00:00"}""")
            .SetArgDisplayNames("OrderConfirmationSent"),
        new TestCaseData(
            new OrderConfirmationFailed("12345", "Permanent: no such user", Noon),
            "urn:message:Contracts:OrderConfirmationFailed",
            """{"orderId":"12345","reason":"Permanent: no such user","failedAt":"2026-11-21T12:00:00.123+00:00"}""")
            .SetArgDisplayNames("OrderConfirmationFailed"),
        new TestCaseData(
            new OrderConfirmationFailed(null, "Unreadable: not JSON", Noon),
            "urn:message:Contracts:OrderConfirmationFailed",
            """{"orderId":null,"reason":"Unreadable: not JSON","failedAt":"2026-11-21T12:00:00.123+00:00"}""")
            .SetArgDisplayNames("OrderConfirmationFailed of an unreadable order"),
        new TestCaseData(
            new OrderConfirmationRetrying("12345", 2, Noon.AddSeconds(5), "Connection refused", Noon),
            "urn:message:Contracts:OrderConfirmationRetrying",
            """{"orderId":"12345","attempts":2,"nextAttemptAt":"2026-11-21T12:00:05.123+00:00","reason":"Connection refused","at":"2026-11-21T12:00:00.123+00:00"}""")
            .SetArgDisplayNames("OrderConfirmationRetrying"),
        new TestCaseData(
            new OrderConfirmationRetrying("12345", 4, null, "Connection refused", Noon),
            "urn:message:Contracts:OrderConfirmationRetrying",
            """{"orderId":"12345","attempts":4,"nextAttemptAt":null,"reason":"Connection refused","at":"2026-11-21T12:00:00.123+00:00"}""")
            .SetArgDisplayNames("OrderConfirmationRetrying without a time"),
        new TestCaseData(
            new OrderShipped("12345", "customer@example.com", "1Z999", "Acorn Parcel", "https://parcel.example/1Z999", Noon),
            "urn:message:Contracts:OrderShipped",
            """{"orderId":"12345","email":"customer@example.com","trackingNumber":"1Z999","carrier":"Acorn Parcel","link":"https://parcel.example/1Z999","shippedAt":"2026-11-21T12:00:00.123+00:00"}""")
            .SetArgDisplayNames("OrderShipped"),
        new TestCaseData(
            new OrderShipped("12345", "customer@example.com", "1Z999", null, null, Noon),
            "urn:message:Contracts:OrderShipped",
            """{"orderId":"12345","email":"customer@example.com","trackingNumber":"1Z999","carrier":null,"link":null,"shippedAt":"2026-11-21T12:00:00.123+00:00"}""")
            .SetArgDisplayNames("OrderShipped without a carrier and a link"),
        new TestCaseData(
            new NotificationSent("order-shipped", "12345", "1Z999", "<order-shipped-12345@shop.example>", Noon),
            "urn:message:Contracts:NotificationSent",
            """{"notification":"order-shipped","orderId":"12345","reference":"1Z999","messageId":"<order-shipped-12345@shop.example>","sentAt":"2026-11-21T12:00:00.123+00:00"}""")
            .SetArgDisplayNames("NotificationSent"),
        new TestCaseData(
            new NotificationRetrying("order-shipped", "12345", null, 2, Noon.AddSeconds(5), "Connection refused", Noon),
            "urn:message:Contracts:NotificationRetrying",
            """{"notification":"order-shipped","orderId":"12345","reference":null,"attempts":2,"nextAttemptAt":"2026-11-21T12:00:05.123+00:00","reason":"Connection refused","at":"2026-11-21T12:00:00.123+00:00"}""")
            .SetArgDisplayNames("NotificationRetrying"),
        new TestCaseData(
            new NotificationFailed("order-shipped", null, null, "Unreadable: not JSON", Noon),
            "urn:message:Contracts:NotificationFailed",
            """{"notification":"order-shipped","orderId":null,"reference":null,"reason":"Unreadable: not JSON","failedAt":"2026-11-21T12:00:00.123+00:00"}""")
            .SetArgDisplayNames("NotificationFailed of an unreadable message"),
        new TestCaseData(
            new MailServerUnreachable(Noon, "Connection refused"),
            "urn:message:Contracts:MailServerUnreachable",
            """{"since":"2026-11-21T12:00:00.123+00:00","reason":"Connection refused"}""")
            .SetArgDisplayNames("MailServerUnreachable"),
        new TestCaseData(
            new MailServerReachable(Noon, Noon.AddMinutes(10)),
            "urn:message:Contracts:MailServerReachable",
            """{"since":"2026-11-21T12:00:00.123+00:00","until":"2026-11-21T12:10:00.123+00:00"}""")
            .SetArgDisplayNames("MailServerReachable"),
        new TestCaseData(
            new SignInsSlowed("operator", 50, Noon),
            "urn:message:Contracts:SignInsSlowed",
            """{"user":"operator","wrongPasswords":50,"at":"2026-11-21T12:00:00.123+00:00"}""")
            .SetArgDisplayNames("SignInsSlowed"),
        new TestCaseData(
            new FaultParked("billing", "INV-7", "Replayed 5 times in vain: no answer", Noon),
            "urn:message:Contracts:FaultParked",
            """{"endpoint":"billing","subject":"INV-7","reason":"Replayed 5 times in vain: no answer","at":"2026-11-21T12:00:00.123+00:00"}""")
            .SetArgDisplayNames("FaultParked"),
        new TestCaseData(
            new OperatorEvent("order-confirmation.failed.permanent", Noon, "12345", "01000000-5d0a-0015-7a2e-08dc00000001", "no such user"),
            "urn:message:Contracts:OperatorEvent",
            """{"key":"order-confirmation.failed.permanent","at":"2026-11-21T12:00:00.123+00:00","orderId":"12345","messageId":"01000000-5d0a-0015-7a2e-08dc00000001","reason":"no such user"}""")
            .SetArgDisplayNames("OperatorEvent"),
    ];

    [TestCaseSource(nameof(Messages))]
    public void Its_name_on_the_bus_stays(object message, string urn, string json) =>
        Assert.That(MessageUrn.ForType(message.GetType()), Is.EqualTo(new Uri(urn)));

    [TestCaseSource(nameof(Messages))]
    public void Its_JSON_stays(object message, string urn, string json) =>
        Assert.That(Write(message), Is.EqualTo(json));

    [TestCaseSource(nameof(Messages))]
    public void It_is_read_back_as_it_was(object message, string urn, string json) =>
        Assert.That(Read(json, message.GetType()), Is.EqualTo(message));

    [Test]
    public void Every_message_is_pinned_here() =>
        Assert.That(
            Messages.Select(message => message.Arguments[0]!.GetType()).Distinct(),
            Is.EquivalentTo([.. OrderMessages.All, typeof(MailServerUnreachable), typeof(MailServerReachable), typeof(SignInsSlowed), typeof(FaultParked), typeof(OperatorEvent)]));

    [Test]
    public void Every_record_of_the_contracts_is_deployed() =>
        Assert.That(OrderMessages.All, Is.EquivalentTo(typeof(OrderPlaced).Assembly.GetExportedTypes().Where(type => !type.IsAbstract)));

    [Test]
    public void A_field_of_a_newer_sender_is_passed_over() =>
        Assert.That(
            Read<OrderPlaced>("""{"orderId":"1","email":"a@example.com","product":"Laptop","placedAt":"2026-11-21T12:00:00.123Z","quantity":2}"""),
            Is.EqualTo(new OrderPlaced("1", "a@example.com", "Laptop", Noon)));

    [Test]
    public void A_field_that_is_missing_is_null_or_the_beginning_of_time() =>
        Assert.That(Read<OrderPlaced>("{}"), Is.EqualTo(new OrderPlaced(null!, null!, null!, default)));

    [Test]
    public void A_time_of_any_zone_is_read() =>
        Assert.That(Read<OrderPlaced>("""{"placedAt":"2026-11-21T13:00:00.123+01:00"}""").PlacedAt, Is.EqualTo(Noon));

    private static string Write(object message) => JsonSerializer.Serialize(message, message.GetType(), OnOneLine);

    private static object? Read(string json, Type type) => JsonSerializer.Deserialize(json, type, SystemTextJsonMessageSerializer.Options);

    private static T Read<T>(string json) => (T)Read(json, typeof(T))!;
}
