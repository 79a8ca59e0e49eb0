using System.Net.Mail;
using System.Security.Authentication;

namespace Notifications.Worker.Email;

/// <summary>Sorts what an attempt to send threw, by the server's reply code where there is one.</summary>
internal static class SmtpFailure
{
    // What SmtpException puts between its own words and the server's. It has no property for the latter.
    private const string ReplyMarker = "The server response was: ";

    // SmtpException has no code for it either.
    private const string NoStartTls = "Server does not support secure connections.";

    /// <param name="exception">What <see cref="SmtpClient"/> threw.</param>
    /// <param name="attempt">How far the attempt came.</param>
    /// <param name="isGreeted">Whether the server let us in before.</param>
    /// <param name="hasCredentials">Whether a user name is configured.</param>
    /// <returns>What to tell the caller: one short line, without any address.</returns>
    public static EmailException Sort(Exception exception, SmtpAttempt attempt, bool isGreeted, bool hasCredentials)
    {
        if (exception is not SmtpException { StatusCode: not SmtpStatusCode.GeneralFailure } refusal)
        {
            var cause = exception is AuthenticationException ? exception : exception.InnerException ?? exception;
            var unsent = ForeignText.OneLine($"The email could not be handed to the mail server: {cause.Message}");
            return cause is AuthenticationException || exception.Message == NoStartTls
                ? new MailServerRefusedUsException(unsent, wasLetIn: false)
                : new MailServerUnavailableException(unsent, isGreeted) { IsOutcomeUnknown = isGreeted && attempt.ContentWasBegun != false };
        }

        var code = (int)refusal.StatusCode;
        var reply = ReplyOf(refusal);
        var refused = $"The mail server refused the {(refusal is SmtpFailedRecipientException ? "recipient" : "email")} with {code}: {reply}";

        return code switch
        {
            // RFC 5321, section 3.8: the server closes the channel.
            421 => new MailServerUnavailableException(ForeignText.OneLine(refused), isGreeted),

            < 500 when !isGreeted => new MailServerUnavailableException(ForeignText.OneLine($"The mail server put us off with {code}: {reply}"), wasLetIn: false),

            < 500 => new TransientEmailException(ForeignText.OneLine(refused)),

            // It is what SmtpClient makes of something that is no reply at all.
            > 599 => new TransientEmailException(ForeignText.OneLine(refused)) { IsOutcomeUnknown = attempt.ContentWasBegun != false },

            // RFC 4954, section 6, and RFC 3207, section 4: authentication or encryption is missing or was refused.
            530 or 534 or 535 or 538 => RefusedUs($"The mail server refused our authentication with {code}: {reply}"),

            // RFC 5321, section 3.1, and RFC 7504: no service for us, whoever the recipient may be.
            521 => RefusedUs($"The mail server refused us with {code}: {reply}"),
            _ when !isGreeted => RefusedUs($"The mail server refused us with {code}: {reply}"),

            // When a server refuses the credentials, SmtpClient goes on without, and it is the sender or the
            // recipient that gets refused, for reasons of security (RFC 3463, section 3.8): "554 5.7.1 Relay access
            // denied". A wrong password must not cost the customers their emails.
            _ when hasCredentials && attempt.ContentWasBegun != true && reply.StartsWith("5.7.", StringComparison.Ordinal) => RefusedUs(refused),

            _ => new PermanentEmailException(ForeignText.OneLine(refused)),
        };

        MailServerRefusedUsException RefusedUs(string why) => new(ForeignText.OneLine(why), isGreeted);
    }

    private static string ReplyOf(SmtpException exception)
    {
        var marker = exception.Message.IndexOf(ReplyMarker, StringComparison.Ordinal);
        return marker < 0 ? exception.Message : exception.Message[(marker + ReplyMarker.Length)..];
    }
}
