using Orders.Ledger;

namespace Orders.Api.OrderBook;

/// <summary>
/// Remembers for each order id what was placed under it and what became of it, until nothing has been heard of it for as
/// long as entries are kept. Safe for concurrent use, by several processes where its store is one for them all.
/// </summary>
public interface IOrderBook
{
    /// <summary>Whether the book could be reached when it was last needed: an answer that costs nothing.</summary>
    bool IsReachable { get; }

    /// <summary>Asks for the right to place an order under its id, which one caller has at a time.</summary>
    /// <param name="orderId">The id.</param>
    /// <param name="content">The order's <see cref="OrderContent"/>.</param>
    /// <param name="now">When the order counts as placed, if nobody tried before.</param>
    /// <param name="cancellationToken">The caller went away.</param>
    /// <exception cref="LedgerUnreachableException">Nobody can say.</exception>
    Task<OrderClaim> ClaimAsync(string orderId, string content, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Gives back a claim whose order was not placed, so that the next one need not wait for it to lapse.</summary>
    /// <param name="orderId">The id.</param>
    /// <param name="claim">The claim; does nothing where it has lapsed and is somebody else's.</param>
    /// <param name="inDoubt">Whether the order may have been placed after all: then its content stays with the id.</param>
    /// <exception cref="LedgerUnreachableException">The claim lapses by itself.</exception>
    Task EndClaimAsync(string orderId, OrderClaim.Granted claim, bool inDoubt);

    /// <summary>Records that the broker has an order safe, whether or not its id was claimed.</summary>
    /// <exception cref="LedgerUnreachableException">It was not recorded, as far as can be told.</exception>
    Task RecordPlacedAsync(string orderId, string content, DateTimeOffset placedAt);

    /// <summary>Records what became of an order, whoever placed it. What was recorded before, or is older news, changes nothing.</summary>
    /// <exception cref="LedgerUnreachableException">It was not recorded, as far as can be told.</exception>
    Task RecordAsync(string orderId, OrderChange change, CancellationToken cancellationToken);

    /// <summary>Looks an order up; <c>null</c> where none is known to have been placed.</summary>
    /// <exception cref="LedgerUnreachableException">Nobody can say.</exception>
    Task<OrderRecord?> FindAsync(string orderId, CancellationToken cancellationToken);

    /// <summary>Listens for changes of an order, whichever process records them; news may be missed while the store is away.</summary>
    /// <exception cref="LedgerUnreachableException">There is nothing to hear.</exception>
    Task<OrderListener> ListenAsync(string orderId, CancellationToken cancellationToken);
}

/// <summary>What became of the wish to place an order.</summary>
public abstract record OrderClaim
{
    /// <summary>How long the broker may take to confirm an order that was claimed.</summary>
    public static readonly TimeSpan TimeToPublish = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a claim keeps others away: longer than an order can be on its way to the broker, for it is given back when
    /// that is over, and only a caller who died leaves it to lapse.
    /// </summary>
    public static readonly TimeSpan Lease = TimeToPublish + TimeSpan.FromSeconds(5);

    private OrderClaim()
    {
    }

    /// <summary>The caller may place the order.</summary>
    /// <param name="Token">Tells this claim from others.</param>
    /// <param name="PlacedAt">When the order was first tried to be placed.</param>
    public sealed record Granted(string Token, DateTimeOffset PlacedAt) : OrderClaim;

    /// <summary>Somebody is placing the same order at this moment.</summary>
    /// <param name="For">How long at most.</param>
    public sealed record Held(TimeSpan For) : OrderClaim;

    /// <summary>
    /// The same order was placed before; or one of which only events are known, because it came another way or the store
    /// lost its data: nobody can say that it is another one.
    /// </summary>
    /// <param name="Status">What became of it.</param>
    /// <param name="PlacedAt">When it was placed, where that is known.</param>
    public sealed record Known(OrderStatus Status, DateTimeOffset? PlacedAt) : OrderClaim;

    /// <summary>The id is that of another order.</summary>
    public sealed record Taken : OrderClaim;
}
