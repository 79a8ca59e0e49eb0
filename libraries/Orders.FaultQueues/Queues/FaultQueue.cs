using System.Text.Json.Serialization;

namespace Orders.FaultQueues.Queues;

/// <summary>The queues in which faults wait. In addresses and on the command line they are <c>error</c> and <c>parked</c>.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FaultQueue>))]
public enum FaultQueue
{
    /// <summary>What failed and may be replayed by the redeliver job.</summary>
    [JsonStringEnumMemberName("error")]
    Error,

    /// <summary>What waits for a person.</summary>
    [JsonStringEnumMemberName("parked")]
    Parked,
}

public static class FaultQueueNames
{
    public static readonly IReadOnlyList<FaultQueue> All = Enum.GetValues<FaultQueue>();

    /// <summary>What the queue is called in addresses and on the command line.</summary>
    public static string Word(this FaultQueue queue) => queue switch
    {
        FaultQueue.Error => "error",
        FaultQueue.Parked => "parked",
        _ => throw new ArgumentOutOfRangeException(nameof(queue), queue, null),
    };
}
