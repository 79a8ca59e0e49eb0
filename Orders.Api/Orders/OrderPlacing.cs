using System.Diagnostics;
using Contracts;
using Microsoft.Extensions.Options;
using Orders.Api.OrderBook;
using Orders.Ledger;

namespace Orders.Api.Orders;

/// <summary>Places each order once, however often and by however many callers at a time it is sent.</summary>
/// <param name="publisher">Publishes the orders.</param>
/// <param name="options">Says what to do without the order book.</param>
/// <param name="clock">The clock.</param>
/// <param name="logger">The log.</param>
/// <param name="book">Remembers the orders; <c>null</c> where nobody does, and every order is a new one.</param>
public sealed partial class OrderPlacing(
    OrderPublisher publisher, IOptions<LedgerOptions> options, TimeProvider clock, ILogger<OrderPlacing> logger, IOrderBook? book = null)
{
    /// <summary>How long a caller waits for another one who places the same order at the same moment.</summary>
    private static readonly TimeSpan Patience = OrderPublisher.ConfirmTimeout + TimeSpan.FromSeconds(1);

    /// <summary>There is a warning of the missing order book as often as this at most, however many orders come in.</summary>
    private static readonly TimeSpan WarningPeriod = TimeSpan.FromSeconds(10);

    private readonly SeldomWarning _warning = new(WarningPeriod, clock);

    /// <summary>Places an order, or finds that it was placed already.</summary>
    /// <param name="order">The order.</param>
    /// <param name="isNew">Whether nobody else can know the order's id, so that it need not be claimed.</param>
    /// <param name="cancellationToken">The client went away; what was handed to the broker stays there.</param>
    public async Task<Placement> PlaceAsync(OrderPlaced order, bool isNew, CancellationToken cancellationToken)
    {
        if (book is null)
        {
            return Of(await publisher.PublishAsync(order, cancellationToken), order);
        }

        var waits = options.Value.WhenUnreachable == WhenUnreachable.Wait;
        if (!waits && !book.IsReachable)
        {
            // Who does not wait for it should not have to wait until that is noticed, either.
            Warn("The order book cannot be reached: there is no connection.");
            return Of(await publisher.PublishAsync(order, cancellationToken), order);
        }

        if (isNew)
        {
            // It is not claimed, and when it is recorded it is too late to refuse it.
            return book.IsReachable ? await PublishAsync(order, OrderContent.HashOf(order), null, cancellationToken) : new Placement.NotRemembered();
        }

        try
        {
            return await PlaceClaimedAsync(order, cancellationToken);
        }
        catch (LedgerUnreachableException exception)
        {
            if (waits)
            {
                return new Placement.NotRemembered();
            }

            Warn(exception.Message);
            return Of(await publisher.PublishAsync(order, cancellationToken), order);
        }
    }

    /// <exception cref="LedgerUnreachableException">Nothing was published.</exception>
    private async Task<Placement> PlaceClaimedAsync(OrderPlaced order, CancellationToken cancellationToken)
    {
        var content = OrderContent.HashOf(order);
        var began = clock.GetTimestamp();
        OrderListener? others = null;
        try
        {
            while (true)
            {
                switch (await book!.ClaimAsync(order.OrderId, content, order.PlacedAt, cancellationToken))
                {
                    case OrderClaim.Granted granted:
                        return await PublishAsync(order with { PlacedAt = granted.PlacedAt }, content, granted, cancellationToken);

                    case OrderClaim.Known(var status, var placedAt):
                        return new Placement.Before(order with { PlacedAt = placedAt ?? order.PlacedAt }, status);

                    case OrderClaim.Taken:
                        return new Placement.Taken();

                    case OrderClaim.Held(var atMost):
                        var left = Patience - clock.GetElapsedTime(began);
                        if (left <= TimeSpan.Zero)
                        {
                            return new Placement.Unknown(order);
                        }

                        if (others is null)
                        {
                            // What changes between the claim and this is not heard: so the claim is asked for once more.
                            others = await book.ListenAsync(order.OrderId, cancellationToken);
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

    private async Task<Placement> PublishAsync(OrderPlaced order, string content, OrderClaim.Granted? claim, CancellationToken cancellationToken)
    {
        // A client who goes away in the middle leaves it open.
        var outcome = PublishOutcome.Unknown;
        try
        {
            outcome = await publisher.PublishAsync(order, cancellationToken);
        }
        finally
        {
            await RecordAsync(order, content, claim, outcome);
        }

        return Of(outcome, order);
    }

    private async Task RecordAsync(OrderPlaced order, string content, OrderClaim.Granted? claim, PublishOutcome outcome)
    {
        try
        {
            if (outcome == PublishOutcome.Confirmed)
            {
                await book!.RecordPlacedAsync(order.OrderId, content, order.PlacedAt);
            }
            else if (claim is not null)
            {
                await book!.EndClaimAsync(order.OrderId, claim, inDoubt: outcome == PublishOutcome.Unknown);
            }
        }
        catch (LedgerUnreachableException exception)
        {
            // What was published is: to say otherwise would have it sent again. Its claim lapses by itself.
            Warn(exception.Message);
        }
    }

    private static Placement Of(PublishOutcome outcome, OrderPlaced order) => outcome switch
    {
        PublishOutcome.Confirmed => new Placement.Placed(order),
        PublishOutcome.NotPlaced => new Placement.NotPlaced(),
        _ => new Placement.Unknown(order),
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
        [LoggerMessage(EventId = 3, Level = LogLevel.Warning, Message = "Orders are placed that are not remembered: what is sent again may be placed twice. {Error}")]
        public static partial void NotRemembered(ILogger logger, string error);
    }
}

/// <summary>What became of an order that was sent.</summary>
public abstract record Placement
{
    private Placement()
    {
    }

    /// <summary>The broker has it safe.</summary>
    public sealed record Placed(OrderPlaced Order) : Placement;

    /// <summary>The same order was placed before, and is not placed again.</summary>
    /// <param name="Order">The order as it was placed then; with the present time where nobody knows when that was.</param>
    /// <param name="Status">What became of it.</param>
    public sealed record Before(OrderPlaced Order, OrderStatus Status) : Placement;

    /// <summary>Another order has its id; it was not placed.</summary>
    public sealed record Taken : Placement;

    /// <summary>It is certain that the broker does not have it.</summary>
    public sealed record NotPlaced : Placement;

    /// <summary>It was not placed, since nobody can tell whether it was placed before.</summary>
    public sealed record NotRemembered : Placement;

    /// <summary>The broker may have it.</summary>
    public sealed record Unknown(OrderPlaced Order) : Placement;
}
