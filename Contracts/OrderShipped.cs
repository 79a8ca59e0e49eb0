namespace Contracts;

/// <summary>A parcel of an order is on its way. The customer is emailed about each one once.</summary>
/// <param name="OrderId">The order, by the rules of <see cref="OrderPlaced"/>.</param>
/// <param name="Email">The customer's address, without a display name.</param>
/// <param name="TrackingNumber">Tells the parcels of an order apart: 1 to 64 characters of letters, digits, '.', '_' and '-'.</param>
/// <param name="Carrier">Who brings it, 1 to 100 characters without control characters; <c>null</c> where that is not said.</param>
/// <param name="Link">Where to follow it, an absolute https or http URL of at most 2,000 characters; <c>null</c> where that is not said.</param>
/// <param name="ShippedAt">When the API was told of it.</param>
public sealed record OrderShipped(string OrderId, string Email, string TrackingNumber, string? Carrier, string? Link, DateTimeOffset ShippedAt);
