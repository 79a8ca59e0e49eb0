using Contracts;
using Orders.Api.OrderStore;

namespace Orders.Tests.OrderStore;

/// <summary>What an order and its notifications have to do with each other, whatever the order store is kept in.</summary>
[TestFixture(false, TestName = "In memory")]
[TestFixture(true, TestName = "On Valkey")]
internal sealed class NotificationsTests(bool onValkey) : OrderStoreUnderTest(onValkey)
{
    [Test]
    public async Task Each_has_a_status_of_its_own_the_oldest_first()
    {
        await PlaceAsync("several");
        await RecordAsync(Shipment("several", "2"), Retrying(1));
        await RecordAsync(new NotificationKey("several", "order-delayed"), Sent(2));
        await RecordAsync(Shipment("several", "1"), Failed(3));
        await RecordAsync(Shipment("several", "2"), Sent(4));
        await RecordAsync(NotificationKey.Confirmation("several"), Retrying(5));

        Assert.That(await FindAsync("several"), Is.EqualTo("Retrying; 2 Sent, 1 Failed; order-delayed Sent"));
    }

    [Test]
    public async Task An_order_is_not_placed_by_what_is_heard_of_a_notification()
    {
        await RecordAsync(Shipment("shipped", "1"), Sent(1));
        var heard = await FindAsync("shipped");
        var claim = await Store.ClaimAsync(NotificationKey.Confirmation("shipped"), Laptop, Noon, default);
        var claimed = await FindAsync("shipped");
        await Store.RecordAcceptedAsync(NotificationKey.Confirmation("shipped"), Laptop, Noon);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(heard, Is.EqualTo("; 1 Sent; "));
            Assert.That(claim, Is.InstanceOf<StoreClaim.Granted>());
            Assert.That(claimed, Is.EqualTo(heard));
            Assert.That(await FindAsync("shipped"), Is.EqualTo("Placed; 1 Sent; "));
        }
    }

    [Test]
    public async Task An_order_that_is_not_placed_after_all_leaves_what_is_known_of_its_notifications()
    {
        await RecordAsync(Shipment("left", "1"), Sent(1));
        var order = NotificationKey.Confirmation("left");
        await Store.EndClaimAsync(order, (StoreClaim.Granted)await Store.ClaimAsync(order, Laptop, Noon, default), inDoubt: false);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await FindAsync("left"), Is.EqualTo("; 1 Sent; "));
            Assert.That(await Store.ClaimAsync(order, new StoredContent("phone", "somebody else"), Noon, default), Is.InstanceOf<StoreClaim.Granted>());
        }
    }

    [Test]
    public async Task A_notification_that_is_not_published_after_all_leaves_the_others()
    {
        await RecordAsync(Shipment("others", "1"), Sent(1));
        var second = Shipment("others", "2");
        await Store.EndClaimAsync(second, (StoreClaim.Granted)await Store.ClaimAsync(second, Laptop, Noon, default), inDoubt: false);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await FindAsync("others"), Is.EqualTo("; 1 Sent; "));
            Assert.That(await Store.ClaimAsync(second, Phone, Noon, default), Is.InstanceOf<StoreClaim.Granted>());
        }
    }

    [Test]
    public async Task Nothing_is_known_while_a_notification_is_being_published()
    {
        await Store.ClaimAsync(Shipment("publishing"), Laptop, Noon, default);

        Assert.That(await Store.FindAsync("publishing", default), Is.Null);
    }

    [Test]
    public async Task A_notification_of_a_known_order_has_its_address()
    {
        await PlaceAsync("address");

        var same = await Store.ClaimAsync(Shipment("address", "1"), new StoredContent("parcel", Laptop.Address), Noon, default);
        var other = await Store.ClaimAsync(Shipment("address", "2"), new StoredContent("parcel", "somebody else"), Noon, default);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(same, Is.InstanceOf<StoreClaim.Granted>());
            Assert.That(other, Is.EqualTo(new StoreClaim.OtherAddress()));
        }
    }

    [Test]
    public async Task A_notification_of_which_only_events_are_known_has_the_address_of_its_order_too()
    {
        await PlaceAsync("events");
        await RecordAsync(Shipment("events"), Sent(1));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                await Store.ClaimAsync(Shipment("events"), new StoredContent("parcel", Laptop.Address), Noon, default),
                Is.EqualTo(new StoreClaim.Known(NotificationStatus.Sent, AcceptedAt: null)));
            Assert.That(
                await Store.ClaimAsync(Shipment("events"), new StoredContent("parcel", "somebody else"), Noon, default), Is.EqualTo(new StoreClaim.OtherAddress()));
        }
    }

    [Test]
    public async Task What_was_accepted_before_its_order_is_still_known_whatever_address_that_has()
    {
        var parcel = new StoredContent("parcel", "somebody else");
        await Store.RecordAcceptedAsync(Shipment("before", "1"), parcel, Noon);
        await PlaceAsync("before");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await Store.ClaimAsync(Shipment("before", "1"), parcel, Noon, default), Is.EqualTo(new StoreClaim.Known(NotificationStatus.Accepted, Noon)));
            Assert.That(await Store.ClaimAsync(Shipment("before", "2"), parcel, Noon, default), Is.EqualTo(new StoreClaim.OtherAddress()));
        }
    }

    [Test]
    public async Task What_was_said_of_a_shipment_is_kept_whatever_is_heard_of_it()
    {
        var parcel = StoredContent.Of(new OrderShipped("details", "customer@example.com", "1", "Äcorn \"Parcel\"", "https://parcel.example/?a=1&b=2", Noon));
        await Store.ClaimAsync(Shipment("details", "1"), parcel, Noon, default);
        await RecordAsync(Shipment("details", "1"), Sent(1));
        var early = (await Store.FindAsync("details", default))!.Shipments!.Single();
        await Store.RecordAcceptedAsync(Shipment("details", "1"), parcel, Noon);
        await RecordAsync(Shipment("details", "2"), Sent(2));

        var shipments = (await Store.FindAsync("details", default))!.Shipments!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That((early.Carrier, early.Link), Is.EqualTo(("Äcorn \"Parcel\"", "https://parcel.example/?a=1&b=2")));
            Assert.That((shipments[0].Carrier, shipments[0].Link, shipments[0].AcceptedAt), Is.EqualTo((early.Carrier, early.Link, (DateTimeOffset?)Noon)));
            Assert.That((shipments[1].Carrier, shipments[1].Link, shipments[1].AcceptedAt), Is.EqualTo(((string?)null, (string?)null, (DateTimeOffset?)null)), "It came another way.");
        }
    }

    [Test]
    public async Task Of_too_many_notifications_the_oldest_are_forgotten()
    {
        await PlaceAsync("many");
        for (var i = 0; i < StoredEntry.MostNotifications + 2; i++)
        {
            await RecordAsync(Shipment("many", $"{i}"), Sent(i));
        }

        // It was forgotten, and is the youngest now.
        await RecordAsync(Shipment("many", "0"), Failed(1));

        var record = (await Store.FindAsync("many", default))!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(record.Status, Is.EqualTo(OrderStatus.Placed));
            Assert.That(record.Shipments!.Select(known => known.TrackingNumber), Is.EqualTo([.. Enumerable.Range(3, StoredEntry.MostNotifications - 1).Select(i => $"{i}"), "0"]));
            Assert.That(record.Shipments![^1].Status, Is.EqualTo(NotificationStatus.Failed));
        }
    }

    private async Task PlaceAsync(string orderId)
    {
        await Store.ClaimAsync(NotificationKey.Confirmation(orderId), Laptop, Noon, default);
        await Store.RecordAcceptedAsync(NotificationKey.Confirmation(orderId), Laptop, Noon);
    }

    private async Task<string> FindAsync(string orderId)
    {
        var record = (await Store.FindAsync(orderId, default))!;
        var shipments = record.Shipments?.Select(shipment => $"{shipment.TrackingNumber} {shipment.Status}") ?? [];
        var notifications = record.Notifications?.Select(known => $"{known.Notification}{known.Reference} {known.Status}") ?? [];
        return $"{record.Status}; {string.Join(", ", shipments)}; {string.Join(", ", notifications)}";
    }
}
