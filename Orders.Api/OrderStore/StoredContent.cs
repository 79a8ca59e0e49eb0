using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Contracts;

namespace Orders.Api.OrderStore;

/// <summary>
/// What an order says, as hashes: enough to tell it from another one, and no address in clear. The order id is a part of
/// each, so that the same customer's orders have nothing in common.
/// </summary>
/// <param name="Hash">All of it: SHA-256 in base64.</param>
/// <param name="Address">The customer's address under this order id: SHA-256 in base64.</param>
/// <param name="Details">What of it is told to everybody who knows the order id, as JSON; <c>null</c> where that is nothing.</param>
public sealed record StoredContent(string Hash, string Address, string? Details = null)
{
    /// <summary>
    /// The id of its message: the same whenever the same is published again, because its first outcome is not known.
    /// </summary>
    public Guid MessageId => new(Convert.FromBase64String(Hash).AsSpan(0, 16));

    /// <summary>The content of an order.</summary>
    public static StoredContent Of(OrderPlaced order) => Of(order.OrderId, order.Email, OrderRules.ContentOf(order));

    /// <summary>The content of a shipment.</summary>
    public static StoredContent Of(OrderShipped shipment) => Of(shipment.OrderId, shipment.Email, ShipmentRules.ContentOf(shipment)) with
    {
        Details = JsonSerializer.Serialize(new ShipmentDetails(shipment.Carrier, shipment.Link), OrderStoreJsonContext.Default.ShipmentDetails),
    };

    private static StoredContent Of(string orderId, string email, string content) => new(Digest($"{orderId}\n{content}"), Digest($"{orderId}\n{email}"));

    private static string Digest(string text) => Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
