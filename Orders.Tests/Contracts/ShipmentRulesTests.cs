using Contracts;

namespace Orders.Tests.Contracts;

/// <summary>What a shipment may say, whichever way it comes in.</summary>
public sealed class ShipmentRulesTests
{
    [TestCase("1Z999AA10123456784", null, null)]
    [TestCase("a.B_9-0", "Acorn Parcel", "https://parcel.example/1Z999?from=shop&lang=en#map")]
    [TestCase("1", "Läufer ☕ 💻", "http://parcel.example:8080/")]
    [TestCase("{64}", "{100}", "HTTPS://PARCEL.EXAMPLE")]
    public void Right(string trackingNumber, string? carrier, string? link) =>
        Assert.That(ShipmentRules.FindMistakes("12345", "customer@example.com", Long(trackingNumber), Long(carrier), link), Is.Empty);

    [TestCase("trackingNumber", null)]
    [TestCase("trackingNumber", "")]
    [TestCase("trackingNumber", "1Z 999")]
    [TestCase("trackingNumber", "1Z999\n")]
    [TestCase("trackingNumber", "1Z/999")]
    [TestCase("trackingNumber", "{65}")]
    [TestCase("orderId", null)]
    [TestCase("orderId", "12 345")]
    [TestCase("email", null)]
    [TestCase("email", "Customer <customer@example.com>")]
    [TestCase("carrier", "")]
    [TestCase("carrier", " \u00a0")]
    [TestCase("carrier", "Acorn\r\nBcc: all@example.com")]
    [TestCase("carrier", "{101}")]
    [TestCase("link", "")]
    [TestCase("link", "parcel.example/1Z999")]
    [TestCase("link", "/1Z999")]
    [TestCase("link", "https://")]
    [TestCase("link", "https:parcel.example")]
    [TestCase("link", "javascript:alert(1)")]
    [TestCase("link", "data:text/html,hello")]
    [TestCase("link", "ftp://parcel.example/1Z999")]
    [TestCase("link", " https://parcel.example/1Z999")]
    [TestCase("link", "https://parcel.example/1Z999\n")]
    [TestCase("link", "https://parcel.example/\"onclick=alert(1)")]
    [TestCase("link", "https://parcel.example\\@evil.example/")]
    [TestCase("link", "https://parcel.example/\u202egnp.exe")]
    public void Wrong(string field, string? value)
    {
        var fields = new Dictionary<string, string?> { ["orderId"] = "12345", ["email"] = "customer@example.com", ["trackingNumber"] = "1Z999", ["carrier"] = "Acorn Parcel", ["link"] = "https://parcel.example/" };
        fields[field] = Long(value);

        var mistakes = ShipmentRules.FindMistakes(fields["orderId"], fields["email"], fields["trackingNumber"], fields["carrier"], fields["link"]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(mistakes.Keys, Is.EqualTo([field]));
            Assert.That(mistakes[field].Single(), Does.EndWith(".").And.Not.Contain("1Z/").And.Not.Contain("alert").And.Not.Contain("evil"), "No text holds a value.");
        }
    }

    [Test]
    public void A_link_has_2000_characters_at_most()
    {
        Assert.That(ShipmentRules.IsLink("https://parcel.example/".PadRight(2_000, 'x')));
        Assert.That(ShipmentRules.IsLink("https://parcel.example/".PadRight(2_001, 'x')), Is.False);
    }

    [Test]
    public void Shipments_that_differ_have_different_contents()
    {
        var shipment = new OrderShipped("12345", "customer@example.com", "1Z999", null, null, DateTimeOffset.UnixEpoch);
        OrderShipped[] all =
        [
            shipment, shipment with { Email = "other@example.com" }, shipment with { TrackingNumber = "1Z998" }, shipment with { Carrier = "https://parcel.example/" },
            shipment with { Link = "https://parcel.example/" }, shipment with { Carrier = "Acorn Parcel", Link = "https://parcel.example/" },
        ];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(all.Select(ShipmentRules.ContentOf), Is.Unique);
            Assert.That(ShipmentRules.ContentOf(shipment with { ShippedAt = DateTimeOffset.MaxValue }), Is.EqualTo(ShipmentRules.ContentOf(shipment)));
        }
    }

    /// <summary><c>{n}</c> stands for a value of n characters.</summary>
    private static string? Long(string? value) => value is ['{', .. var length, '}'] ? new string('x', int.Parse(length, null)) : value;
}
