using System.Security.Cryptography;
using System.Text;
using Contracts;

namespace Orders.Api.OrderBook;

/// <summary>
/// What an order says, as hashes: enough to tell it from another one, and no address in clear. The order id is a part of
/// each, so that the same customer's orders have nothing in common.
/// </summary>
/// <param name="Hash">All of it: SHA-256 in base64.</param>
/// <param name="Address">The customer's address under this order id: SHA-256 in base64.</param>
public sealed record BookContent(string Hash, string Address)
{
    /// <summary>
    /// The id of its message: the same whenever the same is published again, because its first outcome is not known.
    /// </summary>
    public Guid MessageId => new(Convert.FromBase64String(Hash).AsSpan(0, 16));

    /// <summary>The content of an order.</summary>
    public static BookContent Of(OrderPlaced order) => Of(order.OrderId, order.Email, OrderRules.ContentOf(order));

    private static BookContent Of(string orderId, string email, string content) => new(Digest($"{orderId}\n{content}"), Digest($"{orderId}\n{email}"));

    private static string Digest(string text) => Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
