using Orders.Ledger;

namespace Orders.Email.Deliveries;

/// <summary>
/// Remembers which notification was sent for which key, and who is sending it now, so that several workers, repeated
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
    /// and so does an entry of another one with the key.
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

/// <summary>One attempt to send one notification for one key.</summary>
/// <param name="Subject">What it is sent once for, such as an order's id.</param>
/// <param name="Notification">The notification's name, without a colon.</param>
/// <param name="MessageId">The email's <c>Message-ID</c>; of a claim it is a proposal, see <see cref="DeliveryClaim.Claimed"/>.</param>
/// <param name="Decision">
/// Which decision of a person it is that this is to be sent whatever became of earlier attempts, where it is one. Each
/// counts for one attempt whose outcome is unknown, and not for the next.
/// </param>
public sealed record DeliveryAttempt(string Subject, string Notification, string MessageId, Guid? Decision = null)
{
    /// <summary>What is said of the subject, to tell it from another one of that name. The ledger keeps a hash of it.</summary>
    public string Content { get; init; } = "";

    /// <summary>Whether a person has changed the <see cref="Content"/>, so that another one than before is no other subject.</summary>
    public bool IsCorrection { get; init; }

    /// <summary>Under which the ledger keeps what became of the email.</summary>
    public string Key => $"delivery:{Notification}:{Subject}";

    /// <summary>Tells this attempt from every other.</summary>
    public Guid Id { get; } = Guid.NewGuid();
}

/// <summary>What the ledger says to whoever wants to send.</summary>
public abstract record DeliveryClaim
{
    private DeliveryClaim()
    {
    }

    /// <summary>The email is to be sent, by whoever asked.</summary>
    /// <param name="AfterUnknown">Whether nobody can say if an earlier attempt has sent it already.</param>
    /// <param name="MessageId">Its <c>Message-ID</c>: that of the first attempt, as far as the ledger remembers.</param>
    public sealed record Claimed(bool AfterUnknown, string MessageId) : DeliveryClaim;

    /// <summary>
    /// The subject is another one of that name, by what is said of the two. One of which the ledger does not know what was said
    /// counts as the same.
    /// </summary>
    public sealed record Conflict : DeliveryClaim;

    /// <summary>Somebody else is sending it.</summary>
    /// <param name="Until">When that claim lapses.</param>
    public sealed record LeasedByOther(DateTimeOffset Until) : DeliveryClaim;

    /// <summary>It was sent.</summary>
    /// <param name="MessageId">As which email.</param>
    /// <param name="At">When.</param>
    public sealed record AlreadySent(string MessageId, DateTimeOffset At) : DeliveryClaim;

    /// <summary>Nobody can say whether it was sent, and <see cref="Ledger.UnknownOutcome.Park"/> has a person decide.</summary>
    /// <param name="Since">When that was found out.</param>
    public sealed record UnknownOutcome(DateTimeOffset Since) : DeliveryClaim;
}
