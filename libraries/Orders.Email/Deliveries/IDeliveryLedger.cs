using Orders.Ledger;

namespace Orders.Email.Deliveries;

/// <summary>
/// Remembers which notification of which order was sent, and who is sending it now, so that several workers, repeated
/// messages and replays make one email. Every method is safe for use by many at once, and takes
/// <see cref="LedgerRegistration.Patience"/> at most.
/// </summary>
public interface IDeliveryLedger
{
    /// <summary>
    /// Asks for the right to send. What is claimed is to be followed by exactly one of the other methods; a claim that is
    /// followed by none lapses after a time that is longer than any send can take, and its outcome is unknown then.
    /// </summary>
    /// <exception cref="LedgerUnreachableException">It is not known whether the right is there: nothing may be sent on the strength of this.</exception>
    Task<DeliveryClaim> ClaimAsync(DeliveryAttempt attempt);

    /// <summary>Whether a claim would be a <see cref="DeliveryClaim.Conflict"/>, for what is not to be sent in any case.</summary>
    /// <exception cref="LedgerUnreachableException">Nobody can say.</exception>
    Task<bool> IsConflictAsync(DeliveryAttempt attempt);

    /// <summary>
    /// Records that the email is out, whoever has the claim by now: it is the truth. An earlier record of it stays as it is,
    /// and so does an entry of another order with the id.
    /// </summary>
    /// <exception cref="LedgerUnreachableException">It is not recorded yet; this is tried further in the background for some time.</exception>
    Task RecordSentAsync(DeliveryAttempt attempt);

    /// <summary>Records that the email is certainly not out: others may claim it at once.</summary>
    /// <exception cref="LedgerUnreachableException">As for <see cref="RecordSentAsync"/>.</exception>
    Task RecordFailedAsync(DeliveryAttempt attempt);

    /// <summary>Records that nobody can say whether the email is out.</summary>
    /// <exception cref="LedgerUnreachableException">As for <see cref="RecordSentAsync"/>; the claim lapses, which says the same.</exception>
    Task RecordUnknownAsync(DeliveryAttempt attempt);
}

/// <summary>One attempt to send one notification of one order.</summary>
/// <param name="OrderId">The order.</param>
/// <param name="Notification">The kind of email.</param>
/// <param name="MessageId">The email's <c>Message-ID</c>; of a claim it is a proposal, see <see cref="DeliveryClaim.Claimed"/>.</param>
/// <param name="Decision">
/// Which decision of a person it is that this is to be sent whatever became of earlier attempts, where it is one. Each
/// counts for one attempt whose outcome is unknown, and not for the next.
/// </param>
public sealed record DeliveryAttempt(string OrderId, Notification Notification, string MessageId, Guid? Decision = null)
{
    /// <summary>What the order says, to tell it from another one with its id. The ledger keeps a hash of it.</summary>
    public string Content { get; init; } = "";

    /// <summary>Whether a person has changed what the order says, so that another <see cref="Content"/> than before is no other order.</summary>
    public bool IsCorrection { get; init; }

    /// <summary>Under which the ledger keeps what became of the email.</summary>
    public string Key => $"delivery:{KindOf(Notification)}:{OrderId}";

    /// <summary>Tells this attempt from every other.</summary>
    public Guid Id { get; } = Guid.NewGuid();

    private static string KindOf(Notification notification) => notification switch
    {
        Notification.OrderConfirmation => "order-confirmation",
        _ => throw new ArgumentOutOfRangeException(nameof(notification), notification, "No order has such an email."),
    };
}

/// <summary>What the ledger says to whoever wants to send.</summary>
public abstract record DeliveryClaim
{
    private DeliveryClaim()
    {
    }

    /// <summary>The email is to be sent, by whoever asked.</summary>
    /// <param name="AfterUnknown">Whether nobody can say if an earlier attempt has sent it already.</param>
    /// <param name="MessageId">Its <c>Message-ID</c>: that of the order's first attempt, as far as the ledger remembers.</param>
    public sealed record Claimed(bool AfterUnknown, string MessageId) : DeliveryClaim;

    /// <summary>
    /// The order id is that of another order, by what the two say. An order of which the ledger does not know what it says
    /// counts as the same.
    /// </summary>
    public sealed record Conflict : DeliveryClaim;

    /// <summary>Somebody else is sending it.</summary>
    /// <param name="Until">When that claim lapses.</param>
    public sealed record HeldByOther(DateTimeOffset Until) : DeliveryClaim;

    /// <summary>It was sent.</summary>
    /// <param name="MessageId">As which email.</param>
    /// <param name="At">When.</param>
    public sealed record AlreadySent(string MessageId, DateTimeOffset At) : DeliveryClaim;

    /// <summary>Nobody can say whether it was sent, and <see cref="Ledger.UnknownOutcome.Park"/> has a person decide.</summary>
    /// <param name="Since">When that was found out.</param>
    public sealed record UnknownOutcome(DateTimeOffset Since) : DeliveryClaim;
}
