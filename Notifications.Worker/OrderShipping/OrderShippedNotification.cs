using Contracts;
using Notifications.Worker.Pipeline;

namespace Notifications.Worker.OrderShipping;

/// <summary>Tells the customer that a parcel of the order is on its way, once for each parcel.</summary>
internal sealed class OrderShippedNotification : Notification<OrderShipped>
{
    public override string Name => "order-shipped";

    public override string Noun => "shipment";

    public override NotificationReference<OrderShipped> Reference => new("trackingNumber", shipment => shipment.TrackingNumber);

    public override IReadOnlyDictionary<string, string[]> FindMistakes(OrderShipped shipment) =>
        ShipmentRules.FindMistakes(shipment.OrderId, shipment.Email, shipment.TrackingNumber, shipment.Carrier, shipment.Link);

    public override string OrderIdOf(OrderShipped shipment) => shipment.OrderId;

    public override string RecipientOf(OrderShipped shipment) => shipment.Email;

    public override string ContentOf(OrderShipped shipment) => ShipmentRules.ContentOf(shipment);

    public override DateTimeOffset TimeOf(OrderShipped shipment) => shipment.ShippedAt;

    public override OrderShipped WithTime(OrderShipped shipment, DateTimeOffset time) => shipment with { ShippedAt = time };

    public override Task<EmailContent> WriteAsync(OrderShipped shipment, EmailTemplates templates) => OrderShippedEmail.WriteAsync(shipment, templates);
}
