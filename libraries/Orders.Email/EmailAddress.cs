using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.Mail;
using System.Text;
using System.Text.RegularExpressions;

namespace Orders.Email;

/// <summary>Which strings are an address that mail can be sent to.</summary>
public static partial class EmailAddress
{
    /// <summary>The longest address that fits into an SMTP path (RFC 5321, section 4.5.3.1.3), in bytes of UTF-8.</summary>
    public const int MaxLength = 254;

    /// <summary>
    /// Reads one bare address: no display name, comment, quotes or brackets, at most <see cref="MaxLength"/> bytes.
    /// A domain in Unicode becomes its ASCII form (RFC 5891). A local part in Unicode stays as it is: it
    /// <see cref="NeedsUnicode"/> (RFC 6531).
    /// </summary>
    public static bool TryParse([NotNullWhen(true)] string? value, [NotNullWhen(true)] out MailAddress? address)
    {
        address = MailAddress.TryCreate(value, out var parsed) && parsed.Address == value && WithAsciiDomain(parsed) is { } plain && Plain().IsMatch(plain.Address)
            ? plain
            : null;
        return address is not null;
    }

    /// <summary>Whether only a mail server that offers SMTPUTF8 takes emails to an address (RFC 6531).</summary>
    internal static bool NeedsUnicode(MailAddress address) => !Ascii.IsValid(address.User);

    /// <summary>As <see cref="TryParse"/>, for a recipient.</summary>
    /// <exception cref="PermanentEmailException">It isn't an address that mail can be sent to.</exception>
    internal static MailAddress ParseRecipient(string? value) =>
        TryParse(value, out var address)
            ? address
            : throw new PermanentEmailException("The recipient's address is not one that mail can be sent to.");

    /// <summary>
    /// As <see cref="TryParse"/>, for a sender: with an optional display name, as in <c>Orders &lt;orders@example.com&gt;</c>. Its local
    /// part must be ASCII; else every email would need SMTPUTF8.
    /// </summary>
    internal static bool TryParseWithDisplayName([NotNullWhen(true)] string? value, [NotNullWhen(true)] out MailAddress? address)
    {
        // MailAddress takes the first of two addresses for the second one's display name.
        address = MailAddress.TryCreate(value, out var parsed) && !parsed.DisplayName.Contains('@') && !NeedsUnicode(parsed) ? WithAsciiDomain(parsed) : null;
        return address is not null;
    }

    // Without quotes and address literals, in which MailAddress takes spaces and angle brackets: what follows them would be a
    // parameter of the SMTP command to a server that reads carelessly. Nor what looks like an encoded word to a mail program.
    [GeneratedRegex(@"\A(?!.*=\?)[!#-'*+\-./0-9=?A-Z^_`a-z{|}~\x80-\uFFFF]+@[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\z")]
    private static partial Regex Plain();

    private static MailAddress? WithAsciiDomain(MailAddress address)
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
