namespace Contracts;

/// <summary>An order was accepted. Published once for each order that the API answers with 202.</summary>
/// <param name="OrderId">1 to 64 characters of letters, digits, '.', '_' and '-'; chosen by the client or by the API.</param>
/// <param name="Email">The customer's address, without a display name.</param>
/// <param name="Product">What was ordered, 1 to 200 characters without control characters.</param>
/// <param name="PlacedAt">When the API accepted the order.</param>
public sealed record OrderPlaced(string OrderId, string Email, string Product, DateTimeOffset PlacedAt);
