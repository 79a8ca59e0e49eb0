using System.Security.Cryptography;
using System.Text;
using Contracts;

namespace Orders.Api.OrderBook;

/// <summary>
/// What an order says, as a hash: enough to tell it from another one, and no address in clear. The order id is a part of
/// it, so that the same customer's orders have nothing in common.
/// </summary>
public static class OrderContent
{
    /// <summary>SHA-256 in base64.</summary>
    public static string HashOf(OrderPlaced order) => Convert.ToBase64String(Digest(order));

    /// <summary>
    /// The id of the order's message: the same whenever the same order is published again, because its first outcome is
    /// not known.
    /// </summary>
    public static Guid MessageIdOf(OrderPlaced order) => new(Digest(order).AsSpan(0, 16));

    private static byte[] Digest(OrderPlaced order) => SHA256.HashData(Encoding.UTF8.GetBytes($"{order.OrderId}\n{OrderRules.ContentOf(order)}"));
}
