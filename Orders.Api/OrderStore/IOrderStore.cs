using Orders.Ledger;

namespace Orders.Api.OrderStore;

/// <summary>
/// Remembers for each order id what was placed under it, which further notifications there are about it, and what became of
/// each. It forgets an order when nothing has been heard of any of them for as long as entries are kept. Safe for concurrent
/// use, by several processes where its store is one for them all.
/// </summary>
/// <remarks>
/// An order and each of its notifications has a <see cref="NotificationKey"/>, and the same rules hold for all of them. To
/// know a notification is not to know the order: another one may still be placed under its id.
/// </remarks>
public interface IOrderStore
{
    /// <summary>Whether the store could be reached when it was last needed: an answer that costs nothing.</summary>
    bool IsReachable { get; }

    /// <summary>Asks for the right to publish something under its key, which one caller has at a time.</summary>
    /// <param name="key">The key.</param>
    /// <param name="content">What is to be published.</param>
    /// <param name="now">When it counts as accepted, if nobody tried before.</param>
    /// <param name="cancellationToken">The caller went away.</param>
    /// <exception cref="LedgerUnreachableException">Nobody can say.</exception>
    Task<StoreClaim> ClaimAsync(NotificationKey key, StoredContent content, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Gives back a claim of what was not published, so that the next one need not wait for it to lapse.</summary>
    /// <param name="key">The key.</param>
    /// <param name="claim">The claim; does nothing where it has lapsed and is somebody else's.</param>
    /// <param name="inDoubt">Whether it may have been published after all: then its content stays with the key.</param>
    /// <exception cref="LedgerUnreachableException">The claim lapses by itself.</exception>
    Task EndClaimAsync(NotificationKey key, StoreClaim.Granted claim, bool inDoubt);

    /// <summary>Records that the broker has something safe, whether or not its key was claimed.</summary>
    /// <exception cref="LedgerUnreachableException">It was not recorded, as far as can be told.</exception>
    Task RecordAcceptedAsync(NotificationKey key, StoredContent content, DateTimeOffset acceptedAt);

    /// <summary>Records what became of an email, whoever asked for it. What was recorded before, or is older news, changes nothing.</summary>
    /// <exception cref="LedgerUnreachableException">It was not recorded, as far as can be told.</exception>
    Task RecordAsync(NotificationKey key, NotificationChange change, CancellationToken cancellationToken);

    /// <summary>Looks an order up; <c>null</c> where neither it nor a notification about it is known to have been accepted.</summary>
    /// <exception cref="LedgerUnreachableException">Nobody can say.</exception>
    Task<OrderRecord?> FindAsync(string orderId, CancellationToken cancellationToken);

    /// <summary>
    /// Listens for changes of an order and of its notifications, whichever process records them. News may be missed while
    /// the store is away.
    /// </summary>
    /// <exception cref="LedgerUnreachableException">There is nothing to hear.</exception>
    Task<OrderListener> ListenAsync(string orderId, CancellationToken cancellationToken);
}
