using System.Diagnostics.CodeAnalysis;
using System.Net.Mail;
using System.Text;
using Contracts;

namespace Orders.Email;

/// <summary>Which strings are an address that mail can be sent to.</summary>
public static class EmailAddress
{
    /// <inheritdoc cref="AddressRule.TryParse"/>
    public static bool TryParse([NotNullWhen(true)] string? value, [NotNullWhen(true)] out MailAddress? address) => AddressRule.TryParse(value, out address);

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
        address = MailAddress.TryCreate(value, out var parsed) && !parsed.DisplayName.Contains('@') && !NeedsUnicode(parsed) ? AddressRule.WithAsciiDomain(parsed) : null;
        return address is not null;
    }
}
