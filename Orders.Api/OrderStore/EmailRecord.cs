using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;

namespace Orders.Api.OrderStore;

/// <summary>What is known of an email about an order, other than its confirmation. Tells nothing of the customer.</summary>
public abstract record EmailRecord
{
    [SetsRequiredMembers]
    private protected EmailRecord(StoredEntry entry)
    {
        Status = entry.State.Status;
        AcceptedAt = entry.AcceptedAt;
        Attempts = entry.State.Attempts;
        NextAttemptAt = entry.State.NextAttemptAt;
        SentAt = entry.State.SentAt;
        MessageId = entry.State.MessageId;
        FailedAt = entry.State.FailedAt;
        Reason = entry.State.Reason;
        History = entry.State.History;
    }

    [Description("What the latest news made of the email.")]
    public required NotificationStatus Status { get; init; }

    [Description("When this API accepted it; null where it came another way.")]
    public required DateTimeOffset? AcceptedAt { get; init; }

    [Description("How many deliveries of the email have failed so far.")]
    public required int Attempts { get; init; }

    [Description("When the next one is due, where that is known; null unless the status is retrying.")]
    public required DateTimeOffset? NextAttemptAt { get; init; }

    [Description("When the mail server took the email.")]
    public required DateTimeOffset? SentAt { get; init; }

    [Description("The Message-ID of the email.")]
    public required string? MessageId { get; init; }

    [Description("When the email was given up.")]
    public required DateTimeOffset? FailedAt { get; init; }

    [Description("Why the latest delivery failed, in one line; null where none has.")]
    public required string? Reason { get; init; }

    [Description("Every change, the oldest first.")]
    public required IReadOnlyList<NotificationChange> History { get; init; }
}
