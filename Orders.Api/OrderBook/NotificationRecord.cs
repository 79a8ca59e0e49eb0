using System.ComponentModel;

namespace Orders.Api.OrderBook;

/// <summary>What is known of an email about an order, other than its confirmation and those about shipments. Tells nothing of the customer.</summary>
public sealed record NotificationRecord(
    [property: Description("Which notification it is, such as order-cancelled.")]
    string Notification,
    [property: Description("What of the order it is about; null where it is the whole order.")]
    string? Reference,
    [property: Description("What the latest news made of it.")]
    NotificationStatus Status,
    [property: Description("When this API accepted it; null where it came another way.")]
    DateTimeOffset? AcceptedAt,
    [property: Description("How many deliveries of the email have failed so far.")]
    int Attempts,
    [property: Description("When the next one is due, where that is known; null unless the status is retrying.")]
    DateTimeOffset? NextAttemptAt,
    [property: Description("When the mail server took the email.")]
    DateTimeOffset? SentAt,
    [property: Description("The Message-ID of the email.")]
    string? MessageId,
    [property: Description("When the email was given up.")]
    DateTimeOffset? FailedAt,
    [property: Description("Why the latest delivery failed, in one line; null where none has.")]
    string? Reason,
    [property: Description("Every change, the oldest first.")]
    IReadOnlyList<NotificationChange> History)
{
    internal static NotificationRecord Of(BookEntry entry) => new(
        entry.Key.Notification,
        entry.Key.Reference,
        entry.State.Status,
        entry.AcceptedAt,
        entry.State.Attempts,
        entry.State.NextAttemptAt,
        entry.State.SentAt,
        entry.State.MessageId,
        entry.State.FailedAt,
        entry.State.Reason,
        entry.State.History);
}
