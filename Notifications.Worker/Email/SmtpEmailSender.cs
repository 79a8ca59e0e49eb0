using System.Net.Mail;
using System.Security.Authentication;
using Microsoft.Extensions.Options;
using Notifications.Worker.Telemetry;

namespace Notifications.Worker.Email;

/// <summary>Sends each email to the mail server, over connections that are kept. Its caller has one reserved.</summary>
internal sealed partial class SmtpEmailSender(
    SmtpConnectionPool pool,
    ISmtpHandover handover,
    IOptions<EmailOptions> options,
    ILogger<SmtpEmailSender> logger) : IEmailSender
{
    private readonly SmtpOptions _options = options.Value.Smtp;

    public async Task<SentEmail> SendAsync(EmailMessage email, CancellationToken cancellationToken)
    {
        var recipient = EmailAddress.ParseRecipient(email.To);
        using var activity = Activities.StartSmtp(_options.Host!, _options.Port);
        try
        {
            await SendAsync(email, recipient, cancellationToken);
            return new SentEmail(email.MessageId);
        }
        catch (EmailException failure)
        {
            activity?.Fail(failure);
            throw;
        }
    }

    private async Task SendAsync(EmailMessage email, MailAddress recipient, CancellationToken cancellationToken)
    {
        // A claim must not lapse while its email is being sent.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(pool.OutOfTime);
        limit.CancelAfter(_options.LongestSend);

        // The server may have closed a kept connection just now. That is no failure as long as it is certain
        // that it didn't take the email; a second, fresh connection shows what is really the matter.
        if (await TrySendAsync(email, recipient, fresh: false, limit.Token, cancellationToken))
        {
            return;
        }

        Log.ConnectionWasClosed(logger, email.MessageId);
        await TrySendAsync(email, recipient, fresh: true, limit.Token, cancellationToken);
    }

    /// <returns><c>false</c> if the connection was a kept one and turned out to be closed before the email was sent.</returns>
    private async Task<bool> TrySendAsync(
        EmailMessage email, MailAddress recipient, bool fresh, CancellationToken limit, CancellationToken cancellationToken)
    {
        var connection = pool.Rent(fresh);
        var attempt = new SmtpAttempt(handover.SeesContent);
        var succeeded = false;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(limit);
        attempt.ContentBegun += connection.BeginContent;
        using var deadline = new SmtpDeadline(connection, attempt, _options, ending);
        using var givingUp = cancellationToken.UnsafeRegister(
            _ =>
            {
                if (attempt.TryGiveUp())
                {
                    ending.Cancel();
                }
            },
            null);
        try
        {
            try
            {
                // SmtpClient doesn't look at the token while it waits for the server to accept the end of the email,
                // or while it looks up the server's name: closing ends the one, not waiting any longer the other.
                using (ending.Token.UnsafeRegister(static c => ((SmtpConnection)c!).Dispose(), connection))
                {
                    await handover.SendAsync(connection, email, recipient, attempt, ending.Token).WaitAsync(ending.Token);
                }

                succeeded = !ending.IsCancellationRequested;
                Log.Sent(logger, email.MessageId);
                return true;
            }
            catch (Exception) when (ending.IsCancellationRequested || attempt.IsGivenUp)
            {
                // Nobody waits for the client any more, which may be about to begin the content: from here on it cannot.
                connection.Dispose();
                throw attempt.IsGivenUp || pool.OutOfTime.IsCancellationRequested
                    ? new SendGivenUpException(attempt.ContentWasBegun != false, cancellationToken)
                    : deadline.Failure;
            }
            catch (SmtpException e) when (connection.IsKept && (IsClosedConnection(e, attempt) || SmtpFailure.IsUsedUp(e, attempt, recipient)))
            {
                return false;
            }
            catch (Exception e) when (e is SmtpException or AuthenticationException or IOException or InvalidOperationException)
            {
                var failure = SmtpFailure.Sort(e, attempt, connection.IsGreeted, hasCredentials: !string.IsNullOrEmpty(_options.Username), recipient);
                if (failure is MailServerRefusedUsException)
                {
                    Log.Misconfigured(logger, failure.Message);
                }

                throw failure;
            }
        }
        finally
        {
            pool.Return(connection, succeeded);
        }
    }

    private static bool IsClosedConnection(SmtpException e, SmtpAttempt attempt) =>
        e.StatusCode == SmtpStatusCode.ServiceNotAvailable
        || (e is { StatusCode: SmtpStatusCode.GeneralFailure, InnerException: IOException } && attempt.ContentWasBegun == false);

    private static partial class Log
    {
        [LoggerMessage(2121, LogLevel.Debug, "The mail server took the email {MessageId}")]
        public static partial void Sent(ILogger logger, string messageId);

        [LoggerMessage(2122, LogLevel.Debug, "The mail server had closed the connection; sending the email {MessageId} over a new one")]
        public static partial void ConnectionWasClosed(ILogger logger, string messageId);

        [LoggerMessage(2123, LogLevel.Error, "No email can be sent until the configuration is mended, see Email__Smtp__* and Email__From. {Reason}")]
        public static partial void Misconfigured(ILogger logger, string reason);
    }
}

/// <summary>Hands an <see cref="OutgoingMail"/> to the client.</summary>
/// <remarks>
/// By the client's synchronous method, on the connection's own thread: the asynchronous one blocks a thread of the pool for
/// the answer to the content anyway, wakes another for each answer before it, and keeps about 1 KiB of each email until the
/// client's disposal.
/// </remarks>
internal sealed class NetMailHandover(IOptions<EmailOptions> options) : ISmtpHandover
{
    private readonly MailAddress _sender = options.Value.Sender;
    private readonly string? _idempotencyHeader = options.Value.IdempotencyHeader;

    public bool SeesContent => true;

    public async Task SendAsync(SmtpConnection connection, EmailMessage email, MailAddress to, SmtpAttempt attempt, CancellationToken cancellationToken)
    {
        using var mail = new OutgoingMail(email, _sender, to, _idempotencyHeader, attempt.BeginContent);
        await connection.RunAsync(client => client.Send(mail));
    }
}
