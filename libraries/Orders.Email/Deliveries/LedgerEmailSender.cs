using Microsoft.Extensions.Options;
using Orders.Ledger;

namespace Orders.Email.Deliveries;

/// <summary>
/// Sends each email that has a key once in effect: with a claim from the <see cref="IDeliveryLedger"/>, and with a record of
/// what became of it. Belongs next to the sender: whoever has a claim is sending, and waits for nothing else.
/// </summary>
internal sealed partial class LedgerEmailSender(
    IEmailSender sender,
    IDeliveryLedger ledger,
    DeliveryLease lease,
    IOptions<LedgerOptions> options,
    TimeProvider time,
    ILogger<LedgerEmailSender> logger) : IEmailSender
{
    /// <summary>The least time from one warning that the ledger is ignored to the next.</summary>
    private static readonly TimeSpan BetweenWarnings = TimeSpan.FromMinutes(1);

    private readonly LedgerOptions _options = options.Value;
    private readonly RateLimitedLog _warning = new(BetweenWarnings, time);

    /// <exception cref="DeliveryLeasedException">Somebody else is sending it.</exception>
    /// <exception cref="DeliveryConflictException">Another one has its key.</exception>
    /// <exception cref="UnknownOutcomeException">Nobody can say whether it was sent, and a person has to decide.</exception>
    /// <exception cref="UnclaimedEmailException">The ledger cannot be reached, and nothing is sent without it.</exception>
    /// <inheritdoc/>
    public async Task<SentEmail> SendAsync(EmailMessage email, CancellationToken cancellationToken)
    {
        if (email.Key is not { } key)
        {
            return await sender.SendAsync(email, cancellationToken);
        }

        var attempt = new DeliveryAttempt(key, email.Notification, email.MessageId, email.Decision)
        {
            Content = email.Content,
            IsCorrection = email.IsCorrection,
        };
        email = email with { IdempotencyKey = email.Decision is { } decision ? $"{attempt.Key}:{decision:N}" : attempt.Key };
        var begun = time.GetTimestamp();
        switch (await ClaimAsync(attempt))
        {
            case null:
                return await SendUnclaimedAsync(email, attempt, cancellationToken);

            case DeliveryClaim.AlreadySent(var messageId, var at):
                return new SentEmail(messageId, at);

            case DeliveryClaim.Conflict:
                throw new DeliveryConflictException(key);

            case DeliveryClaim.LeasedByOther(var until):
                Log.Held(logger, email.MessageId, until);
                throw new DeliveryLeasedException(until);

            case DeliveryClaim.UnknownOutcome(var since):
                throw new UnknownOutcomeException($"Nobody can say whether the mail server took the email, since {since.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC.");

            case DeliveryClaim.Claimed claimed:
                email = email with { MessageId = claimed.MessageId };
                attempt = attempt with { MessageId = claimed.MessageId };
                if (claimed.AfterUnknown)
                {
                    Log.SendsAgain(logger, email.MessageId);
                }

                break;
        }

        await SendClaimedAsync(email, attempt, begun, cancellationToken);
        return new SentEmail(email.MessageId);
    }

    private async Task<DeliveryClaim?> ClaimAsync(DeliveryAttempt attempt)
    {
        try
        {
            return await ledger.ClaimAsync(attempt);
        }
        catch (LedgerUnreachableException failure) when (_options.WhenUnreachable == WhenUnreachable.Ignore)
        {
            Warn(failure);
            return null;
        }
        catch (LedgerUnreachableException failure)
        {
            throw new UnclaimedEmailException(failure.Message);
        }
    }

    private async Task<SentEmail> SendUnclaimedAsync(EmailMessage email, DeliveryAttempt attempt, CancellationToken cancellationToken)
    {
        var sent = await sender.SendAsync(email, cancellationToken);
        _ = TryAsync(() => ledger.RecordSentAsync(attempt));
        return sent;
    }

    private async Task SendClaimedAsync(EmailMessage email, DeliveryAttempt attempt, long begun, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var left = lease.LongestSend - time.GetElapsedTime(begun);
        limit.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        try
        {
            await sender.SendAsync(email, limit.Token);
        }
        catch (OperationCanceledException failure) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw await EndAsync(attempt, new TransientEmailException($"The email took longer than {lease.LongestSend.TotalSeconds:0.###} s.")
            {
                IsOutcomeUnknown = IsUnknown(failure),
            });
        }
        catch (Exception failure)
        {
            var end = await EndAsync(attempt, failure);
            if (end != failure)
            {
                throw end;
            }

            throw;
        }

        if (await TryAsync(() => ledger.RecordSentAsync(attempt)) is { } reason)
        {
            // To fail would send it again.
            Log.NotRecorded(logger, email.MessageId, reason);
        }
    }

    /// <summary>Records a send that failed.</summary>
    /// <returns>What the caller is to be told.</returns>
    private async Task<Exception> EndAsync(DeliveryAttempt attempt, Exception failure)
    {
        var isUnknown = IsUnknown(failure);
        var parks = isUnknown && _options.UnknownOutcome == UnknownOutcome.Park;
        // Where the ledger does not learn of it, the claim lapses.
        await TryAsync(() => parks ? ledger.RecordUnknownAsync(attempt) : ledger.RecordFailedAsync(attempt));
        if (isUnknown)
        {
            Log.Unknown(logger, attempt.MessageId, failure.Message);
        }

        return parks && failure is EmailException email
            ? new UnknownOutcomeException($"Nobody can say whether the mail server took the email. {email.Message}", email)
            : failure;
    }

    private static bool IsUnknown(Exception failure) => failure switch
    {
        EmailException email => email.IsOutcomeUnknown,
        SendGivenUpException givenUp => givenUp.IsOutcomeUnknown,
        _ => true,
    };

    /// <returns>Why it failed, or <c>null</c>.</returns>
    private static async Task<string?> TryAsync(Func<Task> record)
    {
        try
        {
            await record();
            return null;
        }
        catch (LedgerUnreachableException failure)
        {
            return failure.Message;
        }
    }

    private void Warn(LedgerUnreachableException failure)
    {
        if (_warning.IsDue(out var emails))
        {
            Log.Ignored(logger, emails, failure.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2140, LogLevel.Warning, "Nobody can say whether the mail server took the email {MessageId}: it is sent again, and may arrive twice")]
        public static partial void SendsAgain(ILogger logger, string messageId);

        [LoggerMessage(2141, LogLevel.Error, "The email {MessageId} is out, but the ledger does not know of it yet. {Reason}")]
        public static partial void NotRecorded(ILogger logger, string messageId, string reason);

        [LoggerMessage(2142, LogLevel.Warning, "Nobody can say whether the mail server took the email {MessageId}. {Reason}")]
        public static partial void Unknown(ILogger logger, string messageId, string reason);

        [LoggerMessage(2144, LogLevel.Debug, "The email {MessageId} is being sent by somebody else, until {Until:O} at the latest")]
        public static partial void Held(ILogger logger, string messageId, DateTimeOffset until);

        [LoggerMessage(2143, LogLevel.Warning, "Emails are sent without the ledger, {Count} since this was last said: they may arrive twice. {Reason}")]
        public static partial void Ignored(ILogger logger, int count, string reason);
    }
}
