using System.Net.Mail;
using System.Security.Authentication;
using Notifications.Worker.Email.Refusals;

namespace Notifications.Worker.Email;

/// <summary>Makes a failure of what an attempt to send threw, by the server's reply where there is one.</summary>
internal static class SmtpFailure
{
    // What SmtpException puts between its own words and the server's. It has no property for the latter.
    private const string ReplyMarker = "The server response was: ";

    // SmtpException has no code for it either.
    private const string NoStartTls = "Server does not support secure connections.";

    /// <summary>With these codes, a refusal of RCPT is an <see cref="SmtpFailedRecipientException"/>.</summary>
    private static readonly SmtpStatusCode[] OfRecipients =
    [
        SmtpStatusCode.MailboxUnavailable,
        SmtpStatusCode.UserNotLocalTryAlternatePath,
        SmtpStatusCode.ExceededStorageAllocation,
        SmtpStatusCode.MailboxNameNotAllowed,
        SmtpStatusCode.MailboxBusy,
        SmtpStatusCode.InsufficientStorage,
    ];

    /// <param name="exception">What <see cref="SmtpClient"/> threw.</param>
    /// <param name="attempt">How far the attempt came.</param>
    /// <param name="isGreeted">Whether the server let us in before.</param>
    /// <param name="hasCredentials">Whether a user name is configured.</param>
    /// <param name="recipient">Whom the email was for.</param>
    /// <returns>What to tell the caller: one short line, without any address.</returns>
    public static EmailException Sort(Exception exception, SmtpAttempt attempt, bool isGreeted, bool hasCredentials, MailAddress recipient)
    {
        if (exception is not SmtpException { StatusCode: not SmtpStatusCode.GeneralFailure } refusal)
        {
            var cause = exception is AuthenticationException ? exception : exception.InnerException ?? exception;
            // Of TLS itself it only says that there is an inner one.
            cause = cause is AuthenticationException { InnerException: { } inner } ? new AuthenticationException($"no encrypted connection: {inner.Message}") : cause;
            var unsent = ForeignText.OneLine($"The email could not be handed to the mail server: {cause.Message}");
            return cause is AuthenticationException || exception.Message == NoStartTls
                ? new MailServerRefusedUsException(unsent, wasLetIn: false)
                : new MailServerUnavailableException(unsent, isGreeted) { IsOutcomeUnknown = isGreeted && attempt.ContentWasBegun != false };
        }

        var code = (int)refusal.StatusCode;
        var reply = ReplyOf(refusal);
        var refused = ForeignText.OneLine($"The mail server refused the {(refusal is SmtpFailedRecipientException ? "recipient" : "email")} with {code}: {reply}");
        if (code is < 400 or > 599)
        {
            // No answer that there is (RFC 5321, section 4.2); SmtpClient also makes one of what is no reply at all.
            return isGreeted
                ? new TransientEmailException(refused) { IsOutcomeUnknown = attempt.ContentWasBegun != false }
                : new MailServerUnavailableException(refused, wasLetIn: false);
        }

        var (blame, isKnown) = Sort(refusal, attempt, isGreeted, recipient);
        return blame switch
        {
            // When a server refuses the credentials, SmtpClient goes on without, and it is the sender or the recipient that gets
            // refused, for reasons of security (RFC 3463, section 3.8). A wrong password must not cost the customers their emails.
            Blame.Email when !isKnown && hasCredentials && attempt.ContentWasBegun != true && reply.StartsWith("5.7.", StringComparison.Ordinal) =>
                new MailServerRefusedUsException(refused, isGreeted) { IsGuess = true },
            Blame.Email => new PermanentEmailException(refused),
            Blame.EmailForNow => new TransientEmailException(refused),
            Blame.Us => new MailServerRefusedUsException(ForeignText.OneLine($"The mail server refused us, not this email, with {code}: {reply}"), isGreeted),
            Blame.UsForNow => new MailServerPutsUsOffException(ForeignText.OneLine($"The mail server cannot check who we are, with {code}: {reply}")),
            Blame.Rate or Blame.Connection => new MailServerPutsUsOffException(ForeignText.OneLine($"The mail server takes no more from us for now, with {code}: {reply}")),
            _ => new MailServerUnavailableException(
                isGreeted ? refused : ForeignText.OneLine($"The mail server put us off with {code}: {reply}"), isGreeted),
        };
    }

    /// <summary>Whether the connection has carried as many emails as it may, so that another one will do.</summary>
    public static bool IsUsedUp(SmtpException exception, SmtpAttempt attempt, MailAddress recipient) =>
        exception.StatusCode != SmtpStatusCode.GeneralFailure && Sort(exception, attempt, isGreeted: true, recipient).Blame == Blame.Connection;

    private static (Blame Blame, bool IsKnown) Sort(SmtpException exception, SmtpAttempt attempt, bool isGreeted, MailAddress recipient)
    {
        const SmtpStage BeforeContent = SmtpStage.Sender | SmtpStage.Recipient | SmtpStage.Data;
        var stage = !isGreeted ? SmtpStage.BeforeEmail
            : exception is SmtpFailedRecipientException ? SmtpStage.Recipient
            : attempt.ContentWasBegun == true ? SmtpStage.Content
            : attempt.ContentWasBegun is null ? BeforeContent | SmtpStage.Content
            // What it throws does not tell RCPT from MAIL and DATA where the code is another one than these.
            : OfRecipients.Contains(exception.StatusCode) ? SmtpStage.Sender | SmtpStage.Data
            : BeforeContent;
        return RefusalTable.Find(new Refusal(stage, (int)exception.StatusCode, ReplyOf(exception)).Without(recipient));
    }

    private static string ReplyOf(SmtpException exception)
    {
        var marker = exception.Message.IndexOf(ReplyMarker, StringComparison.Ordinal);
        return marker < 0 ? exception.Message : exception.Message[(marker + ReplyMarker.Length)..];
    }
}
