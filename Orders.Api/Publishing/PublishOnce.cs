using System.Diagnostics;
using Microsoft.Extensions.Options;
using Orders.Api.OrderStore;
using Orders.Ledger;

namespace Orders.Api.Publishing;

/// <summary>Publishes each message once, however often and by however many callers at a time it is sent.</summary>
/// <param name="publisher">Publishes the messages.</param>
/// <param name="options">Says what to do without the order store.</param>
/// <param name="clock">The clock.</param>
/// <param name="logger">The log.</param>
/// <param name="store">Remembers what was published; <c>null</c> where nobody does, and every message is a new one.</param>
public sealed partial class PublishOnce(
    MessagePublisher publisher, IOptions<LedgerOptions> options, TimeProvider clock, ILogger<PublishOnce> logger, IOrderStore? store = null)
{
    /// <summary>How long a caller waits for another one who publishes the same at the same moment.</summary>
    private static readonly TimeSpan Patience = MessagePublisher.ConfirmTimeout + TimeSpan.FromSeconds(1);

    /// <summary>There is a warning of the missing order store as often as this at most, however many messages are published.</summary>
    private static readonly TimeSpan WarningPeriod = TimeSpan.FromSeconds(10);

    private readonly RateLimitedLog _warning = new(WarningPeriod, clock);

    /// <summary>Publishes a message, or finds that it was published already.</summary>
    /// <param name="what">What to publish.</param>
    /// <param name="now">When it counts as accepted, unless it was tried before.</param>
    /// <param name="isNew">Whether nobody else can know the key, so that it need not be claimed.</param>
    /// <param name="cancellationToken">The client went away; what was handed to the broker stays there.</param>
    public async Task<PublicationOutcome> PublishAsync<T>(Publication<T> what, DateTimeOffset now, bool isNew, CancellationToken cancellationToken)
        where T : class
    {
        if (store is null)
        {
            return Of(await publisher.PublishAsync(what, now, cancellationToken), now);
        }

        var waits = options.Value.WhenUnreachable == WhenUnreachable.Wait;
        if (!waits && !store.IsReachable)
        {
            // Who does not wait for it should not have to wait until that is noticed, either.
            Warn("The order store cannot be reached: there is no connection.");
            return Of(await publisher.PublishAsync(what, now, cancellationToken), now);
        }

        if (isNew)
        {
            // It is not claimed, and when it is recorded it is too late to refuse it.
            return store.IsReachable ? await PublishAsync(what, now, null, cancellationToken) : new PublicationOutcome.NotRemembered();
        }

        try
        {
            return await PublishClaimedAsync(what, now, cancellationToken);
        }
        catch (LedgerUnreachableException exception)
        {
            if (waits)
            {
                return new PublicationOutcome.NotRemembered();
            }

            Warn(exception.Message);
            return Of(await publisher.PublishAsync(what, now, cancellationToken), now);
        }
    }

    /// <exception cref="LedgerUnreachableException">Nothing was published.</exception>
    private async Task<PublicationOutcome> PublishClaimedAsync<T>(Publication<T> what, DateTimeOffset now, CancellationToken cancellationToken)
        where T : class
    {
        var began = clock.GetTimestamp();
        OrderListener? others = null;
        try
        {
            while (true)
            {
                switch (await store!.ClaimAsync(what.Key, what.Content, now, cancellationToken))
                {
                    case StoreClaim.Granted granted:
                        return await PublishAsync(what, granted.AcceptedAt, granted, cancellationToken);

                    case StoreClaim.Known(var status, var at):
                        return new PublicationOutcome.Before(at ?? now, status);

                    case StoreClaim.Taken:
                        return new PublicationOutcome.Taken();

                    case StoreClaim.OtherAddress:
                        return new PublicationOutcome.OtherAddress();

                    case StoreClaim.Held(var atMost):
                        var left = Patience - clock.GetElapsedTime(began);
                        if (left <= TimeSpan.Zero)
                        {
                            return new PublicationOutcome.Unknown();
                        }

                        if (others is null)
                        {
                            // What changes between the claim and this is not heard: so the claim is asked for once more.
                            others = await store.ListenAsync(what.Key.OrderId, cancellationToken);
                        }
                        else
                        {
                            await others.WaitAsync(atMost < left ? atMost : left, cancellationToken);
                        }

                        break;

                    default:
                        throw new UnreachableException();
                }
            }
        }
        finally
        {
            if (others is not null)
            {
                await others.DisposeAsync();
            }
        }
    }

    private async Task<PublicationOutcome> PublishAsync<T>(Publication<T> what, DateTimeOffset at, StoreClaim.Granted? claim, CancellationToken cancellationToken)
        where T : class
    {
        // A client who goes away in the middle leaves it open.
        var outcome = PublishOutcome.Unknown;
        try
        {
            outcome = await publisher.PublishAsync(what, at, cancellationToken);
        }
        finally
        {
            await RecordAsync(what.Key, what.Content, at, claim, outcome);
        }

        return Of(outcome, at);
    }

    private async Task RecordAsync(NotificationKey key, StoredContent content, DateTimeOffset at, StoreClaim.Granted? claim, PublishOutcome outcome)
    {
        try
        {
            if (outcome == PublishOutcome.Confirmed)
            {
                await store!.RecordAcceptedAsync(key, content, at);
            }
            else if (claim is not null)
            {
                await store!.EndClaimAsync(key, claim, inDoubt: outcome == PublishOutcome.Unknown);
            }
        }
        catch (LedgerUnreachableException exception)
        {
            // What was published is: to say otherwise would have it sent again. Its claim lapses by itself.
            Warn(exception.Message);
        }
    }

    private static PublicationOutcome Of(PublishOutcome outcome, DateTimeOffset at) => outcome switch
    {
        PublishOutcome.Confirmed => new PublicationOutcome.Published(at),
        PublishOutcome.NotPublished => new PublicationOutcome.NotPublished(),
        _ => new PublicationOutcome.Unknown(),
    };

    private void Warn(string error)
    {
        if (_warning.IsDue(out _))
        {
            Log.NotRemembered(logger, error);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 3, Level = LogLevel.Warning, Message = "What is published is not remembered: what is sent again may be published twice. {Error}")]
        public static partial void NotRemembered(ILogger logger, string error);
    }
}
