using System.ComponentModel;
using Contracts;

namespace Orders.Api.Shipments;

/// <summary>A shipment as a client sends it.</summary>
/// <remarks>Nothing in it can be relied on before <see cref="Validate"/>.</remarks>
public sealed record AnnounceShipmentRequest(
    [property: Description("The customer's address, where the email about the shipment goes: that of the order, one address without a display name, at most 254 characters.")]
    string? Email,
    [property: Description("Tells the shipments of an order apart: 1 to 64 characters of letters, digits, '.', '_' and '-'.")]
    string? TrackingNumber,
    [property: Description("Who brings it: 1 to 100 characters, none of them a control character.")]
    string? Carrier,
    [property: Description("Where the customer can follow it: an absolute https or http URL of at most 2,000 characters.")]
    string? Link)
{
    /// <summary>What is wrong, for each field by its name in JSON; empty when the shipment can be announced.</summary>
    /// <param name="orderId">The order that it belongs to.</param>
    public Dictionary<string, string[]> Validate(string orderId) => ShipmentRules.FindMistakes(orderId, Email, TrackingNumber, Carrier, Link);

    /// <summary>The message for a valid shipment.</summary>
    /// <param name="orderId">The order that it belongs to.</param>
    /// <param name="shippedAt">When it was accepted.</param>
    public OrderShipped ToOrderShipped(string orderId, DateTimeOffset shippedAt) => new(orderId, Email!, TrackingNumber!, Carrier, Link, shippedAt);
}
