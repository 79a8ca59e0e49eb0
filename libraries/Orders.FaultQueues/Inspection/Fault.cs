using System.Text.Json.Serialization;
using Orders.FaultQueues.Queues;
using Orders.Messaging.Failures;

namespace Orders.FaultQueues.Inspection;

/// <summary>A fault in one line of a list.</summary>
/// <param name="Id">
/// Tells the message apart from all others in its queue: 20 hexadecimal digits made from what it is and when it failed.
/// The next time that it fails, it is another fault with another id.
/// </param>
/// <param name="MessageId">The message's own id, as its sender gave it; the same after every replay.</param>
/// <param name="Subject">What the message is about, where it says so properly: the order id, in our own queues.</param>
/// <param name="Recipient">Whom the email is for, as the message says it.</param>
/// <param name="Kind">How the failure was sorted.</param>
/// <param name="ExceptionType">The full name of the exception's type.</param>
/// <param name="Frame">The first frame of the stack that is not the framework's, as <c>Type.Method</c>.</param>
/// <param name="Group">The id of the <see cref="FaultGroup"/>: the same for the same exception type and frame.</param>
/// <param name="Error">What the exception said, in one line of at most 300 characters.</param>
/// <param name="FailedAt">When it failed for the last time.</param>
/// <param name="Replays">How often it was replayed.</param>
/// <param name="ReplayDue">When the redeliver job will replay it; <c>null</c> where it will not.</param>
/// <param name="ParkedAt">When it was parked.</param>
/// <param name="ParkedReason">Why it was parked.</param>
/// <param name="Size">The length of the body in bytes.</param>
public sealed record Fault(
    string Id,
    string? MessageId,
    string? Subject,
    string? Recipient,
    FailureKind Kind,
    string? ExceptionType,
    string? Frame,
    string Group,
    string? Error,
    DateTimeOffset? FailedAt,
    int Replays,
    DateTimeOffset? ReplayDue,
    DateTimeOffset? ParkedAt,
    string? ParkedReason,
    int Size)
{
    /// <summary>The same as <c>subject</c>, by its name in earlier releases.</summary>
    public string? OrderId
    {
        get => Subject;
        init => Subject ??= value;
    }
}

/// <summary>Everything that is known about one fault.</summary>
/// <param name="Endpoint">Whose queue it is, by the name of the endpoint's queue.</param>
/// <param name="Queue">Where it lies.</param>
/// <param name="Fault">The line of the list.</param>
/// <param name="Retries">How often it was tried again at once, in the last delivery.</param>
/// <param name="Redeliveries">How often it was delivered again after a delay, since the last replay.</param>
/// <param name="Explanation">Why it was sorted as it was and what will become of it, in a sentence or two.</param>
/// <param name="TraceId">The trace to which the order belongs, from its request on, in 32 hexadecimal digits; <c>null</c> where none is known.</param>
/// <param name="ContentType">What the sender says the body is.</param>
/// <param name="Text">The body as text: JSON is indented; bytes that are no UTF-8 are replaced by U+FFFD.</param>
/// <param name="IsJson">Whether the body is JSON.</param>
/// <param name="HexDump">
/// The first 4 KiB of the body as bytes, 16 a line with offset and ASCII; <c>null</c> where the body is JSON.
/// </param>
/// <param name="StackTrace">The exception's stack trace, several lines.</param>
/// <param name="Headers">All headers, by name.</param>
public sealed record FaultDetails(
    string Endpoint,
    FaultQueueKind Queue,
    Fault Fault,
    int Retries,
    int Redeliveries,
    string Explanation,
    string? TraceId,
    string? ContentType,
    string Text,
    bool IsJson,
    string? HexDump,
    string? StackTrace,
    IReadOnlyList<FaultHeader> Headers);

/// <summary>A header, its value as text.</summary>
public sealed record FaultHeader(string Name, string Value);

/// <summary>Faults of the same exception type from the same place.</summary>
/// <param name="Id">12 hexadecimal digits; the <c>group</c> of a <see cref="FaultFilter"/>.</param>
/// <param name="ExceptionType">The full name of the exception's type; <c>null</c> where the messages don't say.</param>
/// <param name="Frame">The first frame of the stack that is not the framework's.</param>
/// <param name="Error">What the newest of them says.</param>
/// <param name="Kind">How the newest of them was sorted.</param>
/// <param name="Count">How many there are.</param>
/// <param name="First">When the oldest of them failed.</param>
/// <param name="Last">When the newest of them failed.</param>
public sealed record FaultGroup(
    string Id,
    string? ExceptionType,
    string? Frame,
    string? Error,
    FailureKind Kind,
    int Count,
    DateTimeOffset? First,
    DateTimeOffset? Last);

/// <summary>A page of a list, oldest first.</summary>
/// <param name="Count">How many messages the queue holds.</param>
/// <param name="Matched">How many of them the filter takes.</param>
/// <param name="Items">The page.</param>
/// <param name="LookedAt">When the queue was looked at: all of this was true then.</param>
public sealed record FaultPage(long Count, long Matched, IReadOnlyList<Fault> Items, DateTimeOffset? LookedAt = null);

/// <summary>A queue at a glance.</summary>
/// <param name="Endpoint">Whose queue it is, by the name of the endpoint's queue.</param>
/// <param name="Queue">The queue.</param>
/// <param name="Count">How many messages it holds; 0 where it may not be read.</param>
/// <param name="Groups">What they are, the largest group first; empty while the first look at the queue is under way.</param>
/// <param name="LookedAt">When the queue was looked at; <c>null</c> while the first look is under way.</param>
/// <param name="MissingRights">The rights that the broker's user lacks, and what cannot be done without them; absent where none is missing.</param>
public sealed record QueueOverview(
    string Endpoint,
    FaultQueueKind Queue,
    long Count,
    IReadOnlyList<FaultGroup> Groups,
    DateTimeOffset? LookedAt = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<MissingRight>? MissingRights = null)
{
    /// <summary>Whether something may be done, as far as is known.</summary>
    internal bool May(FaultNeed need) => MissingRights is null || MissingRights.For(need).Count == 0;
}
