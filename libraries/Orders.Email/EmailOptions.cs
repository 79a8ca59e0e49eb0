using System.Globalization;
using System.Net.Mail;
using Microsoft.Extensions.Options;
using Orders.Email.Dkim;
using Orders.Email.Outages;
using Orders.Email.Smtp;

namespace Orders.Email;

/// <summary>How emails leave: configuration section <c>Email</c>.</summary>
public sealed class EmailOptions
{
    public const string Section = "Email";

    /// <summary>Where emails go.</summary>
    public EmailDelivery Delivery { get; set; } = EmailDelivery.PickupDirectory;

    /// <summary>
    /// The sender, with or without a display name: <c>Orders &lt;orders@example.com&gt;</c>. Required for
    /// <see cref="EmailDelivery.Smtp"/>; in a pickup directory it may be left out, since nobody will answer.
    /// </summary>
    public string? From { get; set; }

    /// <summary>
    /// An address that gets every email, alerts included, instead of its recipient: for a copy of the system with orders of real
    /// customers, such as for staging. The subject names the recipient.
    /// </summary>
    public string? RedirectAllTo { get; set; }

    /// <summary>
    /// The header field that carries <see cref="EmailMessage.IdempotencyKey"/>, as the provider calls it, such as
    /// <c>Resend-Idempotency-Key</c>; where it is empty, no email has one.
    /// </summary>
    public string? IdempotencyHeader { get; set; }

    /// <summary>The directory for <see cref="EmailDelivery.PickupDirectory"/>; created when missing.</summary>
    public string PickupDirectory { get; set; } = "mail";

    /// <summary>
    /// Most emails a second, evenly spread, of all workers whose ledger is on Valkey together, and of each process elsewhere; 0
    /// for any number. Every attempt counts, but not the second connection for an email whose first one turned out to be
    /// closed. While the mail server finds it too much, it is less.
    /// </summary>
    public double MaxPerSecond { get; set; }

    /// <summary>The mail server for <see cref="EmailDelivery.Smtp"/>.</summary>
    public SmtpOptions Smtp { get; set; } = new();

    /// <summary>By what emails are signed.</summary>
    public DkimOptions Dkim { get; set; } = new();

    /// <summary>What is done when that mail server takes no email at all.</summary>
    public MailOutageOptions Outage { get; set; } = new();

    /// <summary>Whether <see cref="RedirectAllTo"/> is set.</summary>
    internal bool IsRedirected => !string.IsNullOrWhiteSpace(RedirectAllTo);

    /// <summary><see cref="From"/> as validated at start, its domain in ASCII.</summary>
    public MailAddress Sender => FindSender() ?? throw new InvalidOperationException("Email__From is not an address.");

    /// <summary>As <see cref="Sender"/>, before the validation.</summary>
    internal MailAddress? FindSender() =>
        EmailAddress.TryParseWithDisplayName(string.IsNullOrWhiteSpace(From) ? "Orders <orders@localhost>" : From, out var sender) ? sender : null;
}

/// <summary>Where emails go.</summary>
public enum EmailDelivery
{
    /// <summary>Each email becomes an <c>.eml</c> file.</summary>
    PickupDirectory,

    /// <summary>Each email goes to a mail server.</summary>
    Smtp,
}

/// <summary>Refuses at start what would fail later; each message names the environment variable to mend.</summary>
internal sealed class EmailOptionsValidator : IValidateOptions<EmailOptions>
{
    public ValidateOptionsResult Validate(string? name, EmailOptions options)
    {
        var failures = Failures(options).ToList();
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private static IEnumerable<string> Failures(EmailOptions options)
    {
        if (!string.IsNullOrWhiteSpace(options.From) && !EmailAddress.TryParseWithDisplayName(options.From, out _))
        {
            yield return "Email__From must be one address with an ASCII local part, like 'Orders <orders@example.com>'.";
        }

        if (options.IsRedirected && !EmailAddress.TryParse(options.RedirectAllTo, out _))
        {
            yield return "Email__RedirectAllTo must be one address, like staging@example.com.";
        }

        // RFC 5322, section 2.2: printable ASCII without a colon.
        if (!string.IsNullOrEmpty(options.IdempotencyHeader)
            && (options.IdempotencyHeader.Any(c => c is <= ' ' or > '~' or ':') || EmailWriter.Writes(options.IdempotencyHeader)))
        {
            yield return "Email__IdempotencyHeader must be the name of a header field that emails do not have yet, like Resend-Idempotency-Key, "
                + $"but is '{options.IdempotencyHeader}'.";
        }

        if (options.Delivery == EmailDelivery.PickupDirectory && string.IsNullOrWhiteSpace(options.PickupDirectory))
        {
            yield return "Email__PickupDirectory is required when Email__Delivery is PickupDirectory.";
        }

        // What is not a number is in no range.
        if (options.MaxPerSecond is not (0 or (>= 0.1 and <= 10_000)))
        {
            yield return string.Create(
                CultureInfo.InvariantCulture, $"Email__MaxPerSecond must be 0.1 to 10000, or 0 for no limit, but is {options.MaxPerSecond}.");
        }

        foreach (var failure in options.Dkim.FindMistakes(options.FindSender()?.Host))
        {
            yield return failure;
        }

        foreach (var failure in Failures(options.Outage))
        {
            yield return failure;
        }

        if (options.Delivery == EmailDelivery.Smtp)
        {
            if (string.IsNullOrWhiteSpace(options.From))
            {
                yield return "Email__From is required when Email__Delivery is Smtp.";
            }

            foreach (var failure in options.Smtp.FindMistakes())
            {
                yield return failure;
            }
        }
    }

    private static IEnumerable<string> Failures(MailOutageOptions outage)
    {
        if (outage.FirstPause < TimeSpan.FromMilliseconds(10) || outage.FirstPause > TimeSpan.FromMinutes(5))
        {
            yield return $"Email__Outage__FirstPause must be between 00:00:00.010 and 00:05:00, but is {outage.FirstPause}.";
        }

        if (outage.LongestPause < outage.FirstPause || outage.LongestPause > TimeSpan.FromHours(1))
        {
            yield return $"Email__Outage__LongestPause must be between Email__Outage__FirstPause and 01:00:00, but is {outage.LongestPause}.";
        }

        if (outage.Suspects is < 1 or > 1000)
        {
            yield return $"Email__Outage__Suspects must be 1 to 1000, but is {outage.Suspects}.";
        }
    }
}
