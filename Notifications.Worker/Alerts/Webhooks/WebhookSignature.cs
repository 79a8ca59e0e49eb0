using System.Security.Cryptography;
using System.Text;

namespace Notifications.Worker.Alerts.Webhooks;

/// <summary>
/// Signs requests so that whoever gets one can tell that it is ours and not an old one sent again
/// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
/// </summary>
internal static class WebhookSignature
{
    private const string EncodedKey = "whsec_";

    /// <returns>The value of <c>webhook-signature</c>: HMAC-SHA256 over the id, the time and the body.</returns>
    public static string Sign(string secret, string id, long timestamp, string body) =>
        $"v1,{Convert.ToBase64String(HMACSHA256.HashData(KeyOf(secret), Encoding.UTF8.GetBytes($"{id}.{timestamp}.{body}")))}";

    /// <returns>What is wrong with a secret, as the end of a sentence about it; <c>null</c> where nothing is.</returns>
    public static string? FindMistake(string? secret)
    {
        try
        {
            return string.IsNullOrEmpty(secret) || KeyOf(secret).Length > 0 ? null : $"must have a key after {EncodedKey}.";
        }
        catch (FormatException)
        {
            return $"must be base64 after {EncodedKey}.";
        }
    }

    private static byte[] KeyOf(string secret) =>
        secret.StartsWith(EncodedKey, StringComparison.Ordinal) ? Convert.FromBase64String(secret[EncodedKey.Length..]) : Encoding.UTF8.GetBytes(secret);
}
