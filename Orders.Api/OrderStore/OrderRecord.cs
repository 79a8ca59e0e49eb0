using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Orders.Api.OrderStore;

/// <summary>What is known of an order. Tells nothing of the customer.</summary>
public sealed record OrderRecord(
    string OrderId,
    [property: Description("What the latest news made of it; null where only shipments or other notifications are known.")]
    OrderStatus? Status,
    [property: Description("When this API accepted the order; null where it came another way.")]
    DateTimeOffset? PlacedAt,
    [property: Description("How many deliveries of the email have failed so far.")]
    int Attempts,
    [property: Description("When the next one is due, where that is known; null unless the status is retrying.")]
    DateTimeOffset? NextAttemptAt,
    [property: Description("When the mail server took the confirmation.")]
    DateTimeOffset? ConfirmedAt,
    [property: Description("The Message-ID of the confirmation.")]
    string? MessageId,
    [property: Description("When the confirmation was given up.")]
    DateTimeOffset? FailedAt,
    [property: Description("Why the latest delivery failed, in one line; null where none has.")]
    string? Reason,
    [property: Description("Every change, the oldest first.")]
    IReadOnlyList<OrderChange> History,
    [property: Description("The shipments of the order, the oldest first; left out where there are none.")]
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    IReadOnlyList<ShipmentRecord>? Shipments = null,
    [property: Description("The other emails about the order, the oldest first; left out where there are none.")]
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    IReadOnlyList<NotificationRecord>? Notifications = null)
{
    /// <summary>Puts together what is known of an order.</summary>
    /// <param name="orderId">The order.</param>
    /// <param name="confirmation">Its own entry; <c>null</c> where nothing is known of the order itself.</param>
    /// <param name="notifications">The entries of its other notifications, the oldest first.</param>
    /// <returns><c>null</c> where nothing is known at all.</returns>
    internal static OrderRecord? Of(string orderId, StoredEntry? confirmation, IReadOnlyCollection<StoredEntry> notifications)
    {
        if (confirmation is null && notifications.Count == 0)
        {
            return null;
        }

        var state = confirmation?.State;
        return new OrderRecord(
            orderId,
            state?.Status.ToOrderStatus(),
            confirmation?.AcceptedAt,
            state?.Attempts ?? 0,
            state?.NextAttemptAt,
            state?.SentAt,
            state?.MessageId,
            state?.FailedAt,
            state?.Reason,
            [.. state?.History.Select(OrderChange.Of) ?? []],
            Some(notifications.Where(entry => entry.Key.IsShipment).Select(entry => new ShipmentRecord(entry))),
            Some(notifications.Where(entry => !entry.Key.IsShipment).Select(entry => new NotificationRecord(entry))));
    }

    /// <summary>A list that is left out where it is empty.</summary>
    private static T[]? Some<T>(IEnumerable<T> all) => all.ToArray() is { Length: > 0 } some ? some : null;
}

/// <summary>A change in what is known of an order.</summary>
/// <param name="Status">What it made of the order.</param>
/// <param name="At">When it happened.</param>
/// <param name="Attempts">How many deliveries had failed by then, where that is what happened.</param>
/// <param name="NextAttemptAt">When the next one was to be, where that was known.</param>
/// <param name="MessageId">The <c>Message-ID</c> of the email that was sent.</param>
/// <param name="Reason">Why it failed, in one line and without an address.</param>
public sealed record OrderChange(
    OrderStatus Status,
    DateTimeOffset At,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    int? Attempts = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    DateTimeOffset? NextAttemptAt = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    string? MessageId = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    string? Reason = null)
{
    /// <summary>A change of the confirmation, in the words of the order.</summary>
    internal static OrderChange Of(NotificationChange change) =>
        new(change.Status.ToOrderStatus(), change.At, change.Attempts, change.NextAttemptAt, change.MessageId, change.Reason);

    /// <summary>The same in the words of any notification.</summary>
    internal NotificationChange ToNotificationChange() => new(Status.ToNotificationStatus(), At, Attempts, NextAttemptAt, MessageId, Reason);
}

/// <summary>What became of an order: the status of its confirmation, in words of its own.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OrderStatus>))]
public enum OrderStatus
{
    /// <summary>The broker has it safe; nothing has been heard of it since.</summary>
    [JsonStringEnumMemberName("placed")]
    Placed,

    /// <summary>Its email could not be sent so far; it is tried again without anybody's doing.</summary>
    [JsonStringEnumMemberName("retrying")]
    Retrying,

    /// <summary>The mail server took its email.</summary>
    [JsonStringEnumMemberName("confirmed")]
    Confirmed,

    /// <summary>Its email was given up; nothing more happens without a person.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,
}

/// <summary>The two sets of words for what becomes of an email.</summary>
internal static class OrderStatusExtensions
{
    public static OrderStatus ToOrderStatus(this NotificationStatus status) => status switch
    {
        NotificationStatus.Accepted => OrderStatus.Placed,
        NotificationStatus.Retrying => OrderStatus.Retrying,
        NotificationStatus.Sent => OrderStatus.Confirmed,
        NotificationStatus.Failed => OrderStatus.Failed,
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, null),
    };

    public static NotificationStatus ToNotificationStatus(this OrderStatus status) => status switch
    {
        OrderStatus.Placed => NotificationStatus.Accepted,
        OrderStatus.Retrying => NotificationStatus.Retrying,
        OrderStatus.Confirmed => NotificationStatus.Sent,
        OrderStatus.Failed => NotificationStatus.Failed,
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, null),
    };
}
