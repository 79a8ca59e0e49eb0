using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Notifications.Worker.Pipeline;

/// <summary>What an email is sent once for: an order, or a part of it such as a parcel.</summary>
/// <param name="OrderId">The order.</param>
/// <param name="Reference">What of the order; <c>null</c> where it is the whole order.</param>
internal readonly record struct NotificationKey(string OrderId, string? Reference = null)
{
    // Valid in a Message-ID, and never what an id is written with.
    private const char Separator = '+';

    private const int LongestLocalPart = 200;

    /// <summary>
    /// The key as the ledger keeps it. A proper order id alone stays as it is. Different keys have different texts, whatever is in
    /// them.
    /// </summary>
    public override string ToString() => Join((_, _) => true);

    /// <summary>
    /// The <c>Message-ID</c> of the email: different for different keys, and valid (RFC 5322, section 3.2.3, <c>dot-atom</c>)
    /// whatever is in them.
    /// </summary>
    /// <param name="notification">The notification's name.</param>
    /// <param name="domain">The sender's domain.</param>
    public string MessageIdOf(string notification, string domain)
    {
        // A dot must have something on either side of it.
        var id = $"{notification}-{Join((text, i) => i + 1 < text.Length && text[i + 1] != '.')}";
        if (id.Length > LongestLocalPart)
        {
            // No encoded id has a '%' that is followed by an 's'.
            id = $"{notification}-%sha256-{Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(ToString().AsSpan())))}";
        }

        return $"<{id}@{domain}>";
    }

    private string Join(Func<string, int, bool> isDotPlain) =>
        Reference is null ? Encode(OrderId, isDotPlain) : $"{Encode(OrderId, isDotPlain)}{Separator}{Encode(Reference, isDotPlain)}";

    private static string Encode(string text, Func<string, int, bool> isDotPlain)
    {
        var encoded = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            var isPlain = char.IsAsciiLetterOrDigit(c) || c is '-' or '_' || (c == '.' && isDotPlain(text, i));
            encoded = isPlain ? encoded.Append(c) : encoded.Append(CultureInfo.InvariantCulture, $"%{(int)c:X4}");
        }

        return encoded.ToString();
    }
}
