using Orders.Email.Deliveries;
using Orders.Email.RateLimiting;
using Orders.Email.Smtp;

namespace Orders.Email.Outages;

/// <summary>
/// Sends each email when the <see cref="MailCircuitBreaker"/> lets it through, there is a connection for it, and the
/// <see cref="IEmailRateLimiter"/> has its turn come.
/// </summary>
/// <param name="sender">Sends the emails.</param>
/// <param name="breaker">The circuit breaker of this process.</param>
/// <param name="connections">The connections that an email waits for; <c>null</c> where it needs none.</param>
/// <param name="rate">Says when it is an email's turn.</param>
/// <param name="longestHold">How long an email may wait.</param>
/// <param name="logger">Is told of each email that must wait.</param>
/// <param name="stopping">From when on none may wait.</param>
internal sealed partial class CircuitBreakerEmailSender(
    IEmailSender sender,
    MailCircuitBreaker breaker,
    SmtpConnectionPool? connections,
    IEmailRateLimiter rate,
    TimeSpan longestHold,
    ILogger<CircuitBreakerEmailSender> logger,
    CancellationToken stopping) : IEmailSender
{
    /// <exception cref="EmailDeferredException">The email has waited too long, or is to make room for others.</exception>
    /// <inheritdoc/>
    public async Task<SentEmail> SendAsync(EmailMessage email, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
        patience.CancelAfter(longestHold);
        while (true)
        {
            if (await TrySendAsync(email, patience.Token, cancellationToken) is { } sent)
            {
                return sent;
            }
        }
    }

    /// <returns><c>null</c> where the email is to enter again.</returns>
    private async Task<SentEmail?> TrySendAsync(EmailMessage email, CancellationToken patience, CancellationToken cancellationToken)
    {
        var (attempt, connection) = await EnterAsync(email, patience, cancellationToken);
        using var reserved = connection;
        SentEmail sent;
        try
        {
            sent = await sender.SendAsync(email, cancellationToken);
        }
        catch (EmailException failure) when (failure is not (UnclaimedEmailException or UnknownOutcomeException { Failure: null }))
        {
            var isHeld = breaker.Fail(attempt, failure);
            if (failure is MailServerPutsUsOffException { IsRate: true })
            {
                await rate.SlowDownAsync();
            }

            if (!isHeld)
            {
                throw;
            }

            Log.Waits(logger, email.MessageId, failure.Message);
            return attempt.MakesRoom ? throw new EmailDeferredException(makesRoom: true) : null;
        }
        catch
        {
            breaker.Abandon(attempt);
            throw;
        }

        if (sent.Before is null)
        {
            breaker.Succeed(attempt);
        }
        else
        {
            // Nobody asked the mail server.
            breaker.Abandon(attempt);
        }

        return sent;
    }

    private async Task<(MailAttempt Attempt, IDisposable? Connection)> EnterAsync(EmailMessage email, CancellationToken patience, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var attempt = await breaker.EnterAsync(email.MessageId, patience);
                var connection = await WaitForTurnAsync(attempt, email, patience);
                if (breaker.Resume(attempt))
                {
                    return (attempt, connection);
                }

                connection?.Dispose();
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new EmailDeferredException();
        }
        catch (OperationCanceledException)
        {
            throw new OperationCanceledException(cancellationToken);
        }
    }

    // After the circuit breaker, not before it: else all who had their turn would rush through when the circuit closes. And with a connection: who
    // has to make room for others must not use up a turn.
    private async ValueTask<IDisposable?> WaitForTurnAsync(MailAttempt attempt, EmailMessage email, CancellationToken patience)
    {
        IDisposable? connection = null;
        try
        {
            connection = connections is null ? null : await connections.ReserveAsync(email, patience);
            await rate.WaitAsync(patience);
            return connection;
        }
        catch
        {
            connection?.Dispose();
            breaker.Abandon(attempt);
            throw;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2130, LogLevel.Debug, "The email {MessageId} waits for the mail server: {Reason}")]
        public static partial void Waits(ILogger logger, string messageId, string reason);
    }
}
