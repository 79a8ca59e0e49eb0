using System.Net.Mail;
using Microsoft.Extensions.Options;
using Orders.Email.Refusals;
using Orders.ServiceDefaults.Telemetry;

namespace Orders.Email.Smtp;

/// <summary>Sends each email to the mail server, over connections that are kept. Its caller has one reserved.</summary>
internal sealed partial class SmtpEmailSender(
    SmtpConnectionPool pool,
    EmailWriter writer,
    IOptions<EmailOptions> options,
    TimeProvider time,
    ILogger<SmtpEmailSender> logger) : IEmailSender
{
    private readonly SmtpOptions _options = options.Value.Smtp;

    public async Task<SentEmail> SendAsync(EmailMessage email, CancellationToken cancellationToken)
    {
        var recipient = EmailAddress.ParseRecipient(email.To);
        using var activity = EmailActivities.StartSmtp(_options.Host!, _options.Port);
        try
        {
            var reply = await SendAsync(email, recipient, cancellationToken);
            Log.Sent(logger, email.MessageId);
            return new SentEmail(email.MessageId) { Reply = reply };
        }
        catch (EmailException failure)
        {
            activity?.Fail(failure);
            if (failure is MailServerRefusedUsException)
            {
                Log.Misconfigured(logger, failure.Message);
            }

            throw;
        }
    }

    private async Task<SmtpReply> SendAsync(EmailMessage email, MailAddress recipient, CancellationToken cancellationToken)
    {
        // A claim must not lapse while its email is being sent.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(pool.OutOfTime);
        limit.CancelAfter(_options.LongestSend);
        var begun = time.GetTimestamp();

        // The server may have closed a kept connection just now. That is no failure as long as it is certain
        // that it didn't take the email; a second, fresh connection shows what is really the matter.
        if (await TrySendAsync(email, recipient, fresh: false, begun, limit.Token, cancellationToken) is { } reply)
        {
            return reply;
        }

        Log.ConnectionWasClosed(logger, email.MessageId);
        return (await TrySendAsync(email, recipient, fresh: true, begun, limit.Token, cancellationToken))!.Value;
    }

    /// <returns><c>null</c> if the connection was a kept one and turned out to be closed before the email was sent.</returns>
    private async Task<SmtpReply?> TrySendAsync(
        EmailMessage email, MailAddress recipient, bool fresh, long begun, CancellationToken limit, CancellationToken cancellationToken)
    {
        var connection = await RentAsync(fresh, limit, cancellationToken);
        using var conversation = pool.BeginConversation(email);
        var wasKept = connection.IsKept;
        var contentWasBegun = false;
        try
        {
            if (EmailAddress.NeedsUnicode(recipient) && !connection.TakesUnicode)
            {
                throw new PermanentEmailException("The mail server does not offer SMTPUTF8, without which it takes no email to an address that is not ASCII.");
            }

            connection.Content.ResetWrittenCount();
            writer.Write(email, recipient, connection.Content, dotStuffed: true);
            using (var envelope = CancellationTokenSource.CreateLinkedTokenSource(limit, cancellationToken))
            {
                envelope.CancelAfter(_options.EnvelopeTimeout);
                await connection.BeginAsync(writer.Sender, recipient, envelope.Token);
            }

            cancellationToken.ThrowIfCancellationRequested();
            if (time.GetElapsedTime(begun) > _options.LongestSend - _options.ContentTimeout)
            {
                // The server's answer to the content might come too late, and nobody would know what became of the email.
                throw Missed("come to the email's content", _options.LongestSend - _options.ContentTimeout, isOutcomeUnknown: false);
            }

            contentWasBegun = true;
            // From here on the server may take the email, so only its own time ends the wait for its answer.
            using var content = CancellationTokenSource.CreateLinkedTokenSource(limit);
            content.CancelAfter(_options.ContentTimeout);
            var reply = await connection.SendContentAsync(content.Token);
            conversation.IsTaken = true;
            return reply;
        }
        catch (OperationCanceledException)
        {
            throw pool.OutOfTime.IsCancellationRequested || (!contentWasBegun && cancellationToken.IsCancellationRequested)
                ? new SendGivenUpException(contentWasBegun, cancellationToken)
                : contentWasBegun ? Missed("take the email's content", _options.ContentTimeout, isOutcomeUnknown: true)
                : Missed("ask for the email's content", _options.EnvelopeTimeout, isOutcomeUnknown: false);
        }
        catch (SmtpRefusalException refusal)
        {
            await TryResetAsync(connection, refusal, limit);
            return wasKept && (refusal.Reply.Code == 421 || SmtpFailure.BlameFor(refusal, recipient) == Blame.Connection)
                ? null
                : throw SmtpFailure.OfEmail(refusal, contentWasBegun, recipient);
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            return wasKept && !contentWasBegun && exception is IOException ? null : throw SmtpFailure.OfEmail(exception, contentWasBegun, recipient);
        }
        finally
        {
            pool.Return(connection);
        }
    }

    private async Task<SmtpConnection> RentAsync(bool fresh, CancellationToken limit, CancellationToken cancellationToken)
    {
        // For one that another email has, and to make one.
        var longest = 2 * _options.ConnectTimeout;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit, cancellationToken);
        either.CancelAfter(longest < _options.LongestSend ? longest : _options.LongestSend);
        try
        {
            return await pool.RentAsync(fresh, either.Token);
        }
        catch (OperationCanceledException)
        {
            throw pool.OutOfTime.IsCancellationRequested || cancellationToken.IsCancellationRequested
                ? new SendGivenUpException(isOutcomeUnknown: false, cancellationToken)
                : Missed("have a connection for the email", longest, isOutcomeUnknown: false);
        }
    }

    private async Task TryResetAsync(SmtpConnection connection, SmtpRefusalException refusal, CancellationToken limit)
    {
        using var reset = CancellationTokenSource.CreateLinkedTokenSource(limit);
        reset.CancelAfter(_options.EnvelopeTimeout);
        try
        {
            await connection.ResetAsync(refusal, reset.Token);
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or OperationCanceledException)
        {
            // It is not used again.
        }
    }

    private static MailServerUnavailableException Missed(string what, TimeSpan within, bool isOutcomeUnknown) =>
        new($"The mail server did not {what} within {within.TotalSeconds:0.###} s.", wasLetIn: true) { IsOutcomeUnknown = isOutcomeUnknown };

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
