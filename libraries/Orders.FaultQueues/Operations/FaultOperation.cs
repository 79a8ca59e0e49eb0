using System.Text.Json.Serialization;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues.Operations;

/// <summary>What people can do to faults.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FaultAction>))]
public enum FaultAction
{
    /// <summary>Puts the messages into the worker's queue again. From parking, the count of replays begins anew.</summary>
    [JsonStringEnumMemberName("replay")]
    Replay,

    /// <summary>Moves faults from the error queue to parking, where the redeliver job leaves them alone.</summary>
    [JsonStringEnumMemberName("park")]
    Park,

    /// <summary>Deletes parked messages for good.</summary>
    [JsonStringEnumMemberName("discard")]
    Discard,
}

/// <summary>What the actions need.</summary>
internal static class FaultActionNeeds
{
    /// <summary>What the broker's user must be able to do for it.</summary>
    public static FaultNeed Need(this FaultAction action) => action switch
    {
        FaultAction.Replay => FaultNeed.Replay,
        FaultAction.Park => FaultNeed.Park,
        FaultAction.Discard => FaultNeed.Discard,
        _ => throw new ArgumentOutOfRangeException(nameof(action), action, null),
    };
}

/// <summary>What somebody asks to be done to faults.</summary>
/// <param name="Endpoint">Whose they are, by the name of the endpoint's queue.</param>
/// <param name="Queue">Where they lie.</param>
/// <param name="Action">What to do.</param>
/// <param name="Filter">Which of them.</param>
/// <param name="Reason">Why; required to park and to discard. One line of at most 200 characters.</param>
/// <param name="Rate">How many messages a second, 0.1 to 10,000; left out, what is configured.</param>
/// <param name="AtMost">
/// How many messages at most, the oldest first: the count of the dry run, so that nothing is touched that came in since.
/// </param>
[method: JsonConstructor]
public sealed record FaultRequest(
    string Endpoint,
    FaultQueueKind Queue,
    FaultAction Action,
    FaultFilter Filter,
    string? Reason = null,
    double? Rate = null,
    int? AtMost = null)
{
    public const int LongestReason = 200;

    /// <summary>A request about the messages of a queue.</summary>
    public FaultRequest(FaultQueue queue, FaultAction action, FaultFilter filter, string? reason = null, double? rate = null, int? atMost = null)
        : this(queue.Endpoint.Queue, queue.Kind, action, filter, reason, rate, atMost)
    {
    }

    /// <summary>What is wrong with the request, by the name of its field; empty where nothing is.</summary>
    public Dictionary<string, string[]> Validate()
    {
        var mistakes = new Dictionary<string, string[]>();
        if (Queue == FaultQueueKind.Parked && Action == FaultAction.Park)
        {
            mistakes["action"] = ["Parked messages are parked already."];
        }

        if (Queue == FaultQueueKind.Error && Action == FaultAction.Discard)
        {
            mistakes["action"] = ["Only parked messages can be discarded. Park them first."];
        }

        if (string.IsNullOrWhiteSpace(Reason) ? Action != FaultAction.Replay : Reason.Length > LongestReason || Reason.Any(char.IsControl))
        {
            mistakes["reason"] = [$"A reason is required to park and to discard: one line of at most {LongestReason} characters."];
        }

        if (Rate is < 0.1 or > 10_000 or double.NaN)
        {
            mistakes["rate"] = ["The rate must be between 0.1 and 10000 messages a second."];
        }

        if (AtMost is < 1)
        {
            mistakes["atMost"] = ["At most how many must be 1 or more."];
        }

        return mistakes;
    }
}

/// <summary>How an operation stands.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OperationState>))]
public enum OperationState
{
    /// <summary>It has not come to its end.</summary>
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>Every message that it was about was dealt with, or had gone before its turn.</summary>
    [JsonStringEnumMemberName("done")]
    Done,

    /// <summary>Somebody cancelled it; the rest of the messages is where it was.</summary>
    [JsonStringEnumMemberName("cancelled")]
    Cancelled,

    /// <summary>It could not go on, or the broker did not take every message, see the error; the rest of the messages is where it was.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,
}

/// <summary>How far an operation is.</summary>
/// <param name="Id">Names it: 8 hexadecimal digits.</param>
/// <param name="Who">Who started it.</param>
/// <param name="Request">What it does.</param>
/// <param name="State">Whether it is still at it.</param>
/// <param name="Total">How many messages it is about.</param>
/// <param name="Done">How many of them have been dealt with.</param>
/// <param name="Gone">How many were no longer there when their turn came: somebody else was quicker.</param>
/// <param name="Refused">How many stay where they were, since the broker does not take them.</param>
/// <param name="StartedAt">When it was started.</param>
/// <param name="EndedAt">When it ended.</param>
/// <param name="Error">Why it failed.</param>
public sealed record FaultOperation(
    string Id,
    string Who,
    FaultRequest Request,
    OperationState State,
    int Total,
    int Done,
    int Gone,
    int Refused,
    DateTimeOffset StartedAt,
    DateTimeOffset? EndedAt = null,
    string? Error = null);
