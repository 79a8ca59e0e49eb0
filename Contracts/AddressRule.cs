using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.Mail;
using System.Text;
using System.Text.RegularExpressions;

namespace Contracts;

/// <summary>Which strings are an address that mail can be sent to. The mail library compiles this file too, so that it takes what an order may have.</summary>
internal static partial class AddressRule
{
    /// <summary>The longest address that fits into an SMTP path (RFC 5321, section 4.5.3.1.3), in bytes of UTF-8.</summary>
    public const int MaxLength = 254;

    /// <summary>
    /// Reads one bare address: no display name, comment, quotes or brackets, at most <see cref="MaxLength"/> bytes.
    /// A domain in Unicode becomes its ASCII form (RFC 5891). A local part in Unicode stays as it is: it needs SMTPUTF8 (RFC 6531).
    /// </summary>
    public static bool TryParse([NotNullWhen(true)] string? value, [NotNullWhen(true)] out MailAddress? address)
    {
        address = MailAddress.TryCreate(value, out var parsed) && parsed.Address == value && WithAsciiDomain(parsed) is { } plain && Plain().IsMatch(plain.Address)
            ? plain
            : null;
        return address is not null;
    }

    // Without quotes and address literals, in which MailAddress takes spaces and angle brackets: what follows them would be a
    // parameter of the SMTP command to a server that reads carelessly. Nor what looks like an encoded word to a mail program.
    [GeneratedRegex(@"\A(?!.*=\?)[!#-'*+\-./0-9=?A-Z^_`a-z{|}~\x80-\uFFFF]+@[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\z")]
    private static partial Regex Plain();

    /// <summary>The same address with its domain in ASCII; <c>null</c> where it is none that mail can be sent to.</summary>
    public static MailAddress? WithAsciiDomain(MailAddress address)
    {
        if (!address.User.EnumerateRunes().All(IsVisible) || address.Address.Any(char.IsControl) || address.DisplayName.Any(char.IsControl))
        {
            return null;
        }

        try
        {
            var ascii = new MailAddress($"{address.User}@{new IdnMapping().GetAscii(address.Host)}", address.DisplayName);
            return Encoding.UTF8.GetByteCount(ascii.Address) <= MaxLength ? ascii : null;
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            // Not a domain name in any script.
            return null;
        }
    }

    /// <summary>Spaces and invisible characters would make one address look like another. Half of a surrogate pair is read as U+FFFD.</summary>
    private static bool IsVisible(Rune rune) => rune.IsAscii || (rune != Rune.ReplacementChar && Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned));
}
