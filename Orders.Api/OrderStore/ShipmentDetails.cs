namespace Orders.Api.OrderStore;

/// <summary>What of a shipment is told to everybody who knows the order id.</summary>
/// <param name="Carrier">Who brings it.</param>
/// <param name="Link">Where to follow it.</param>
internal sealed record ShipmentDetails(string? Carrier, string? Link);
