using System.Globalization;
using System.Net;
using System.Net.Mail;
using Microsoft.Extensions.Options;
using Notifications.Worker.Email.Outages;

namespace Notifications.Worker.Email;

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
    /// Most emails a second that this process hands over, on all its connections together and evenly spread; 0 for any
    /// number. Every attempt counts, but not the second connection for an email whose first one turned out to be closed.
    /// Several workers need a share each of what the mail server allows.
    /// </summary>
    public double MaxPerSecond { get; set; }

    /// <summary>The mail server for <see cref="EmailDelivery.Smtp"/>.</summary>
    public SmtpOptions Smtp { get; set; } = new();

    /// <summary>What is done when that mail server takes no email at all.</summary>
    public MailOutageOptions Outage { get; set; } = new();

    /// <summary>Whether <see cref="RedirectAllTo"/> is set.</summary>
    internal bool IsRedirected => !string.IsNullOrWhiteSpace(RedirectAllTo);

    /// <summary><see cref="From"/> as validated at start, its domain in ASCII.</summary>
    internal MailAddress Sender =>
        EmailAddress.TryParseWithDisplayName(string.IsNullOrWhiteSpace(From) ? "Orders <orders@localhost>" : From, out var sender)
            ? sender
            : throw new InvalidOperationException("Email__From is not an address.");
}

/// <summary>Where emails go.</summary>
public enum EmailDelivery
{
    /// <summary>Each email becomes an <c>.eml</c> file.</summary>
    PickupDirectory,

    /// <summary>Each email goes to a mail server.</summary>
    Smtp,
}

/// <summary>The mail server: configuration section <c>Email:Smtp</c>.</summary>
public sealed class SmtpOptions
{
    public string? Host { get; set; }

    public int Port { get; set; } = 25;

    public SmtpSecurity Security { get; set; } = SmtpSecurity.None;

    /// <summary>Name for <c>AUTH LOGIN</c>, the only password mechanism that the runtime's client speaks.</summary>
    public string? Username { get; set; }

    public string? Password { get; set; }

    /// <summary>A file that holds <see cref="Password"/>.</summary>
    public string? PasswordFile { get; set; }

    /// <summary>Most connections at once; a send beyond that waits for one.</summary>
    public int PoolSize { get; set; } = 8;

    /// <summary>Most time for a new connection, from looking up the server's name to its answer to EHLO.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Most further time until the server asks for the content. Where the connection is new it counts from the end of
    /// <see cref="ConnectTimeout"/>, however soon the server answered EHLO.
    /// </summary>
    public TimeSpan EnvelopeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Most time from the first byte of the content until the server has taken it. A server that checks for spam may take
    /// its time, and to give up here risks that the email arrives twice.
    /// </summary>
    public TimeSpan ContentTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A connection unused for longer is closed instead of used again: most servers would have closed it by then.</summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Most time that sending one email can take by these, once there is a connection for it: it may be tried on a kept
    /// connection and, where the server says that it closes that one, on a new one.
    /// </summary>
    internal TimeSpan LongestSend
    {
        get
        {
            var longest = ConnectTimeout + (2 * (EnvelopeTimeout + ContentTimeout));
            return longest < EmailOptionsValidator.LongestTimeout ? longest : EmailOptionsValidator.LongestTimeout;
        }
    }
}

/// <summary>How the connection to the mail server is protected.</summary>
public enum SmtpSecurity
{
    /// <summary>Not at all: for a mail server on the same host or network.</summary>
    None,

    /// <summary>STARTTLS (RFC 3207), required: nothing is sent to a server that doesn't offer it or has no valid certificate.</summary>
    StartTls,
}

/// <summary>Refuses at start what would fail later; each message names the environment variable to mend.</summary>
internal sealed class EmailOptionsValidator : IValidateOptions<EmailOptions>
{
    // A Timer's limit.
    public static readonly TimeSpan LongestTimeout = TimeSpan.FromMilliseconds(int.MaxValue);

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
            && (options.IdempotencyHeader.Any(c => c is <= ' ' or > '~' or ':') || OutgoingMail.Writes(options.IdempotencyHeader)))
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

            foreach (var failure in Failures(options.Smtp))
            {
                yield return failure;
            }
        }
    }

    private static IEnumerable<string> Failures(SmtpOptions smtp)
    {
        if (string.IsNullOrWhiteSpace(smtp.Host))
        {
            yield return "Email__Smtp__Host is required when Email__Delivery is Smtp.";
        }

        if (smtp.Port is < 1 or > IPEndPoint.MaxPort)
        {
            yield return $"Email__Smtp__Port must be 1 to 65535, but is {smtp.Port}.";
        }

        if (string.IsNullOrEmpty(smtp.Username) != string.IsNullOrEmpty(smtp.Password))
        {
            yield return "Email__Smtp__Username and Email__Smtp__Password (or Email__Smtp__PasswordFile) must be set together or not at all.";
        }

        // RFC 4954, section 4: no plain password over a connection that anybody on the way can read.
        if (!string.IsNullOrEmpty(smtp.Password) && smtp.Security == SmtpSecurity.None && !IsLoopback(smtp.Host))
        {
            yield return "Email__Smtp__Security must be StartTls when Email__Smtp__Password is set and Email__Smtp__Host is another machine: "
                + "the password would be sent in clear.";
        }

        if (smtp.PoolSize is < 1 or > 1000)
        {
            yield return $"Email__Smtp__PoolSize must be 1 to 1000, but is {smtp.PoolSize}.";
        }

        foreach (var (name, timeout) in new[]
        {
            (nameof(smtp.ConnectTimeout), smtp.ConnectTimeout),
            (nameof(smtp.EnvelopeTimeout), smtp.EnvelopeTimeout),
            (nameof(smtp.ContentTimeout), smtp.ContentTimeout),
        })
        {
            if (timeout <= TimeSpan.Zero || timeout > LongestTimeout)
            {
                yield return $"Email__Smtp__{name} must be a positive time like 00:00:30, but is {timeout}.";
            }
        }

        if (smtp.IdleTimeout < TimeSpan.Zero)
        {
            yield return $"Email__Smtp__IdleTimeout must not be negative, but is {smtp.IdleTimeout}.";
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

    private static bool IsLoopback(string? host) =>
        string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
}
