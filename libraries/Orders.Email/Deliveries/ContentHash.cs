using System.Security.Cryptography;
using System.Text;

namespace Orders.Email.Deliveries;

/// <summary>
/// Tells orders with one id apart by a keyed hash of what they say (HMAC-SHA-256): who has the ledger's data, but not the key,
/// cannot find an address by trying some. Only hashes with the same key can be compared.
/// </summary>
internal sealed class ContentHash
{
    /// <summary>Slow on purpose: who knows one order could else find the password by trying many.</summary>
    private const int Iterations = 100_000;

    private readonly byte[] _key;

    /// <param name="password">
    /// The key is made of it: so it is the same in all processes with this password, also after a restart, and is not among
    /// the data that it protects.
    /// </param>
    public ContentHash(string? password)
    {
        _key = Rfc2898DeriveBytes.Pbkdf2(password ?? "", "orders delivery ledger"u8, Iterations, HashAlgorithmName.SHA256, HMACSHA256.HashSizeInBytes);
        KeyId = Hash("key");
    }

    /// <summary>Tells the key from others, and nothing else of it.</summary>
    public string KeyId { get; }

    /// <summary>The hash of what an order says. The order id is a part of it, so that a customer's orders have nothing in common.</summary>
    public string Of(DeliveryAttempt attempt) => Hash($"{attempt.Subject}\n{attempt.Content}");

    private string Hash(string text) => Convert.ToBase64String(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(text)).AsSpan(0, 16));
}
