using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;

namespace Orders.Api.OrderStore;

/// <summary>What is known of an email about an order, other than its confirmation and those about shipments. Tells nothing of the customer.</summary>
public sealed record NotificationRecord : EmailRecord
{
    [SetsRequiredMembers]
    internal NotificationRecord(StoredEntry entry)
        : base(entry)
    {
        Notification = entry.Key.Notification;
        Reference = entry.Key.Reference;
    }

    [Description("Which notification it is, such as order-cancelled.")]
    public required string Notification { get; init; }

    [Description("What of the order it is about; null where it is the whole order.")]
    public required string? Reference { get; init; }
}
