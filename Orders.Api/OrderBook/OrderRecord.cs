using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Orders.Api.OrderBook;

/// <summary>What is known of an order. Tells nothing of the customer.</summary>
public sealed record OrderRecord(
    string OrderId,
    [property: Description("What the latest news made of it.")]
    OrderStatus Status,
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
    IReadOnlyList<OrderChange> History)
{
    /// <summary>
    /// No more failed deliveries than these are listed in <see cref="History"/>; later ones only count as
    /// <see cref="Attempts"/>. A message that a person replays every day must not make its order's entry grow for ever.
    /// </summary>
    public const int MostChanges = 100;

    /// <summary>
    /// The record after a change, or <c>null</c> where the change is none: because it was recorded before, or because it is
    /// older news than what is known. The script of <see cref="ValkeyOrderBook"/> has the same rules.
    /// </summary>
    /// <remarks>
    /// Events come late, twice and in any order. To be confirmed is final: the email is out. To be failed is left only by
    /// what happened after it, which takes a person who replays the message; but a confirmation always counts. Towards a
    /// failure it is the order of arrival that counts and not the times: they come from clocks of two machines, and an order
    /// that waits for a person must not be said to be retried for ever.
    /// </remarks>
    internal static OrderRecord? Apply(OrderRecord? record, string orderId, OrderChange change)
    {
        if (record is null)
        {
            return new OrderRecord(orderId, change.Status, null, 0, null, null, null, null, null, []).With(change);
        }

        var isNews = change.Status switch
        {
            // What came before it was told earlier than the placing itself.
            OrderStatus.Placed => record.History.All(known => known.Status != OrderStatus.Placed),
            OrderStatus.Confirmed => record.Status != OrderStatus.Confirmed,
            OrderStatus.Failed => record.Status != OrderStatus.Confirmed && !record.History.Contains(change),
            _ => record.Status switch
            {
                OrderStatus.Confirmed => false,
                OrderStatus.Failed => change.At > record.FailedAt,
                OrderStatus.Retrying => change.At > (record.History.LastOrDefault(known => known.Status == OrderStatus.Retrying)?.At ?? DateTimeOffset.MinValue),
                _ => true,
            },
        };
        return isNews ? record.With(change) : null;
    }

    private OrderRecord With(OrderChange change)
    {
        var history = change.Status == OrderStatus.Retrying && History.Count >= MostChanges
            ? History
            : [.. History.Append(change).OrderBy(known => known.At)];
        return change.Status == OrderStatus.Placed
            ? this with { PlacedAt = change.At, History = history }
            : this with
            {
                Status = change.Status,
                Attempts = change.Attempts ?? Attempts,
                NextAttemptAt = change.NextAttemptAt,
                ConfirmedAt = change.Status == OrderStatus.Confirmed ? change.At : null,
                MessageId = change.MessageId,
                FailedAt = change.Status == OrderStatus.Failed ? change.At : null,
                Reason = change.Reason,
                History = history,
            };
    }
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
    string? Reason = null);

/// <summary>What became of an order.</summary>
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
