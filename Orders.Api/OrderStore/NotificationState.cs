using System.Text.Json.Serialization;

namespace Orders.Api.OrderStore;

/// <summary>What is known of one email, be it the confirmation of an order or another notification.</summary>
/// <param name="Status">What the latest news made of it.</param>
/// <param name="Attempts">How many deliveries have failed so far.</param>
/// <param name="NextAttemptAt">When the next one is due, where that is known.</param>
/// <param name="SentAt">When the mail server took it.</param>
/// <param name="MessageId">Its <c>Message-ID</c>.</param>
/// <param name="FailedAt">When it was given up.</param>
/// <param name="Reason">Why the latest delivery failed, in one line; <c>null</c> where none has.</param>
/// <param name="History">Every change, the oldest first.</param>
internal sealed record NotificationState(
    NotificationStatus Status,
    int Attempts,
    DateTimeOffset? NextAttemptAt,
    DateTimeOffset? SentAt,
    string? MessageId,
    DateTimeOffset? FailedAt,
    string? Reason,
    IReadOnlyList<NotificationChange> History)
{
    /// <summary>
    /// No more failed deliveries than these are listed in <see cref="History"/>; later ones only count as
    /// <see cref="Attempts"/>. A message that a person replays every day must not make an entry grow for ever.
    /// </summary>
    public const int MostChanges = 100;

    /// <summary>
    /// The state after a change, or <c>null</c> where the change is none: because it was recorded before, or because it is
    /// older news than what is known. The script of <see cref="ValkeyOrderStore"/> has the same rules.
    /// </summary>
    /// <remarks>
    /// Events come late, twice and in any order. To be sent is final: the email is out. To be failed is left only by what
    /// happened after it, which takes a person who replays the message; but an email that was sent always counts. Towards a
    /// failure it is the order of arrival that counts and not the times: they come from clocks of two machines, and an email
    /// that waits for a person must not be said to be retried for ever.
    /// </remarks>
    public static NotificationState? Apply(NotificationState? state, NotificationChange change)
    {
        if (state is null)
        {
            return new NotificationState(change.Status, 0, null, null, null, null, null, []).With(change);
        }

        var isNews = change.Status switch
        {
            // What came before it was told earlier than that it was accepted.
            NotificationStatus.Accepted => state.History.All(known => known.Status != NotificationStatus.Accepted),
            NotificationStatus.Sent => state.Status != NotificationStatus.Sent,
            NotificationStatus.Failed => state.Status != NotificationStatus.Sent && !state.History.Contains(change),
            _ => state.Status switch
            {
                NotificationStatus.Sent => false,
                NotificationStatus.Failed => change.At > state.FailedAt,
                NotificationStatus.Retrying => change.At > (state.History.LastOrDefault(known => known.Status == NotificationStatus.Retrying)?.At ?? DateTimeOffset.MinValue),
                _ => true,
            },
        };
        return isNews ? state.With(change) : null;
    }

    private NotificationState With(NotificationChange change)
    {
        var history = change.Status == NotificationStatus.Retrying && History.Count >= MostChanges
            ? History
            : [.. History.Append(change).OrderBy(known => known.At)];
        return change.Status == NotificationStatus.Accepted
            ? this with { History = history }
            : new NotificationState(
                change.Status,
                change.Attempts ?? Attempts,
                change.NextAttemptAt,
                change.Status == NotificationStatus.Sent ? change.At : null,
                change.MessageId,
                change.Status == NotificationStatus.Failed ? change.At : null,
                change.Reason,
                history);
    }
}

/// <summary>A change in what is known of an email about an order.</summary>
/// <param name="Status">What it made of the email.</param>
/// <param name="At">When it happened.</param>
/// <param name="Attempts">How many deliveries had failed by then, where that is what happened.</param>
/// <param name="NextAttemptAt">When the next one was to be, where that was known.</param>
/// <param name="MessageId">The <c>Message-ID</c> of the email that was sent.</param>
/// <param name="Reason">Why it failed, in one line and without an address.</param>
public sealed record NotificationChange(
    NotificationStatus Status,
    DateTimeOffset At,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    int? Attempts = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    DateTimeOffset? NextAttemptAt = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    string? MessageId = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    string? Reason = null);

/// <summary>What became of an email about an order.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<NotificationStatus>))]
public enum NotificationStatus
{
    /// <summary>The broker has what it is made of; nothing has been heard of it since.</summary>
    [JsonStringEnumMemberName("accepted")]
    Accepted,

    /// <summary>It could not be sent so far. It is tried again without a person.</summary>
    [JsonStringEnumMemberName("retrying")]
    Retrying,

    /// <summary>The mail server took it.</summary>
    [JsonStringEnumMemberName("sent")]
    Sent,

    /// <summary>It was given up; a person has to act.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,
}
