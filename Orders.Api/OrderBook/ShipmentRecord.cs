using System.ComponentModel;
using System.Text.Json;

namespace Orders.Api.OrderBook;

/// <summary>What is known of a shipment and of the email about it. Tells nothing of the customer.</summary>
public sealed record ShipmentRecord(
    [property: Description("Tells the shipments of an order apart; null where a worker could not tell it.")]
    string? TrackingNumber,
    [property: Description("Who brings it; null where that was not said, or the shipment came another way.")]
    string? Carrier,
    [property: Description("Where to follow it, an https or http URL; null where that was not said, or the shipment came another way.")]
    string? Link,
    [property: Description("What the latest news made of its email.")]
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
    internal static ShipmentRecord Of(BookEntry entry)
    {
        var details = entry.Details is null ? null : JsonSerializer.Deserialize(entry.Details, OrderBookJsonContext.Default.ShipmentDetails);
        return new ShipmentRecord(
            entry.Key.Reference,
            details?.Carrier,
            details?.Link,
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
}
