using System.Security.Cryptography;
using System.Text;

namespace Orders.Api.Orders;

/// <summary>
/// The header by which a client says that several requests are one
/// (<see href="https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/">draft of the IETF</see>).
/// A key is taken as it is written, with its quotes where it has some.
/// </summary>
internal static class IdempotencyKey
{
    /// <summary>The header's name.</summary>
    public const string Header = "Idempotency-Key";

    /// <summary>What is wrong with a key that is none.</summary>
    public const string Mistake = "The Idempotency-Key must have 1 to 255 characters of printable ASCII.";

    /// <summary>Whether a text can be a key.</summary>
    public static bool IsOne(string text) => text.Length is > 0 and <= 255 && text.All(character => character is >= ' ' and <= '~');

    /// <summary>The order id that a key stands for. It looks like a generated one, and tells nothing of the key.</summary>
    public static string ToOrderId(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(key)).AsSpan(0, 16));
}
