using System.Text.Json.Serialization;
using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues.Audit;

/// <summary>What was done.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<AuditEvent>))]
public enum AuditEvent
{
    /// <summary>A message is put into the worker's queue again.</summary>
    [JsonStringEnumMemberName("replay")]
    Replay,

    /// <summary>A message is replayed with another body, under a new message id.</summary>
    [JsonStringEnumMemberName("edit")]
    Edit,

    /// <summary>A message is parked.</summary>
    [JsonStringEnumMemberName("park")]
    Park,

    /// <summary>A message is deleted.</summary>
    [JsonStringEnumMemberName("discard")]
    Discard,

    /// <summary>An operation on <see cref="AuditEntry.Count"/> messages begins.</summary>
    [JsonStringEnumMemberName("begin")]
    Begin,

    /// <summary>An operation has ended; <see cref="AuditEntry.Count"/> messages were dealt with.</summary>
    [JsonStringEnumMemberName("end")]
    End,
}

/// <summary>
/// Who does what to which message, when and why. It is on record before it is done: after a crash in between, the
/// record is there and the message is still in its queue.
/// </summary>
/// <param name="At">When.</param>
/// <param name="Who">The name of the user, or <c>redeliver job</c> or <c>worker</c>.</param>
/// <param name="Event">What.</param>
/// <param name="Endpoint">Whose message it is, by the name of the endpoint's queue; <c>null</c> in entries of releases that had one endpoint.</param>
/// <param name="Queue">Where the message lies; that of the operation.</param>
/// <param name="FaultId">The message's id among faults.</param>
/// <param name="MessageId">The message's own id.</param>
/// <param name="Subject">What the message is about.</param>
/// <param name="Reason">Why, in that person's words; of an operation's end, how it ended.</param>
/// <param name="Operation">The operation that it is a part of.</param>
/// <param name="Count">How many messages; only of an operation's begin and end.</param>
public sealed record AuditEntry(
    DateTimeOffset At,
    string Who,
    AuditEvent Event,
    string? Endpoint,
    FaultQueueKind Queue,
    string? FaultId = null,
    string? MessageId = null,
    string? Subject = null,
    string? Reason = null,
    string? Operation = null,
    int? Count = null)
{
    /// <summary>The same as <c>subject</c>, by its name in earlier releases, which read it still.</summary>
    public string? OrderId
    {
        get => Subject;
        init => Subject ??= value;
    }

    public const string RedeliverJob = "redeliver job";

    /// <summary>A worker that had the broker put a message into parking, since it could not do so itself.</summary>
    public const string Worker = "worker";
}
