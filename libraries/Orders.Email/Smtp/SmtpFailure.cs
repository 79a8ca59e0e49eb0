using System.Globalization;
using System.Net.Mail;
using System.Security.Cryptography;
using MailKit.Net.Smtp;
using MailKit.Security;
using Orders.Email.Refusals;

namespace Orders.Email.Smtp;

/// <summary>Makes a failure of what an attempt to send threw, by the server's reply where there is one. Its message is one short line, without any address.</summary>
internal static class SmtpFailure
{
    private const string NotHandedOverBegins = "The email could not be handed to the mail server: ";

    /// <summary>Of what ended a conversation before its first email.</summary>
    public static MailServerException OfConnection(Exception exception) => exception switch
    {
        MailServerException failure => failure,
        SmtpCommandException refusal => OfGreeting((int)refusal.StatusCode, refusal.Message),
        AuthenticationException refusal => OfLogin(refusal),
        SslHandshakeException handshake when Find<System.Security.Authentication.AuthenticationException>(handshake) is { } cause =>
            new MailServerRefusedUsException(NotHandedOver($"no encrypted connection: {cause.GetBaseException().Message}"), wasLetIn: false),
        NotSupportedException => new MailServerRefusedUsException(NotHandedOver("it offers no STARTTLS, which Email__Smtp__Security demands."), wasLetIn: false),
        CryptographicException or UnauthorizedAccessException or FileNotFoundException or DirectoryNotFoundException =>
            new MailServerRefusedUsException(NotHandedOver(exception.Message), wasLetIn: false),
        _ => new MailServerUnavailableException(NotHandedOver((exception is SslHandshakeException { InnerException: { } inner } ? inner : exception).Message), wasLetIn: false),
    };

    /// <summary>Whether the server has refused what we logged in with: 535 (RFC 4954, section 6).</summary>
    public static bool IsRefusalOfLogin(Exception exception) =>
        exception is AuthenticationException && exception.Message.StartsWith("535:", StringComparison.Ordinal);

    /// <summary>Of what ended a conversation on an email.</summary>
    /// <param name="exception">What happened.</param>
    /// <param name="contentWasBegun">Whether the server had begun to get the content.</param>
    /// <param name="recipient">Whom the email was for.</param>
    public static EmailException OfEmail(Exception exception, bool contentWasBegun, MailAddress recipient) => exception is SmtpRefusalException refusal
        ? OfRefusal(refusal, contentWasBegun, recipient)
        : new MailServerUnavailableException(NotHandedOver(exception.Message), wasLetIn: true) { IsOutcomeUnknown = contentWasBegun };

    /// <summary>Why there is no connection, in words that do not speak of an email.</summary>
    public static string ReasonOf(MailServerException failure) =>
        failure.Message.StartsWith(NotHandedOverBegins, StringComparison.Ordinal) ? failure.Message[NotHandedOverBegins.Length..] : failure.Message;

    /// <summary>Who is to blame for the refusal of an email.</summary>
    public static Blame BlameFor(SmtpRefusalException refusal, MailAddress recipient) =>
        RefusalTable.Find(new Refusal(refusal.Stage, refusal.Reply.Code, refusal.Reply.Text).Without(recipient));

    private static EmailException OfRefusal(SmtpRefusalException refusal, bool contentWasBegun, MailAddress recipient)
    {
        var (code, text) = refusal.Reply;
        var refused = TextSanitizer.OneLine($"The mail server refused the {(refusal.Stage == SmtpStage.Recipient ? "recipient" : "email")} with {code}: {text}");
        if (code is < 400 or > 599)
        {
            // No answer that there is (RFC 5321, section 4.2).
            return new TransientEmailException(refused) { IsOutcomeUnknown = contentWasBegun };
        }

        return BlameFor(refusal, recipient) switch
        {
            Blame.Email => new PermanentEmailException(refused),
            Blame.EmailForNow => new TransientEmailException(refused),
            Blame.Us => RefusedUs(code, text, wasLetIn: true),
            Blame.UsForNow => new MailServerPutsUsOffException(TextSanitizer.OneLine($"The mail server cannot check who we are, with {code}: {text}")),
            Blame.Rate or Blame.Connection => new MailServerPutsUsOffException(TextSanitizer.OneLine($"The mail server takes no more from us for now, with {code}: {text}")) { IsRate = true },
            _ => new MailServerUnavailableException(refused, wasLetIn: true),
        };
    }

    private static MailServerException OfGreeting(int code, string text) =>
        code is >= 500 and <= 599 && !text.Contains("too many", StringComparison.OrdinalIgnoreCase) ? RefusedUs(code, text, wasLetIn: false) : new MailServerUnavailableException(TextSanitizer.OneLine($"The mail server put us off with {code}: {text}"), wasLetIn: false);

    // MailKit gives the reply in the message only, as "535: 5.7.8 …"; with 534, the text alone.
    private static MailServerException OfLogin(AuthenticationException refusal) => refusal.Message switch
    {
        [>= '2' and <= '5', >= '0' and <= '9', >= '0' and <= '9', ':', .. var text] => OfGreeting(int.Parse(refusal.Message.AsSpan(0, 3), CultureInfo.InvariantCulture), text.Trim()),
        var text => RefusedUs(534, text, wasLetIn: false),
    };

    private static MailServerRefusedUsException RefusedUs(int code, string text, bool wasLetIn) =>
        new(TextSanitizer.OneLine($"The mail server refused us, not this email, with {code}: {text}"), wasLetIn);

    private static string NotHandedOver(string why) => TextSanitizer.OneLine(NotHandedOverBegins + why);

    private static T? Find<T>(Exception? exception)
        where T : Exception =>
        exception is null or T ? (T?)exception : Find<T>(exception.InnerException);
}
