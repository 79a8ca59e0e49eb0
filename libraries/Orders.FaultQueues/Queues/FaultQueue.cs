using System.Text.Json.Serialization;

namespace Orders.FaultQueues.Queues;

/// <summary>A queue in which faults of an endpoint wait.</summary>
/// <param name="Endpoint">The endpoint.</param>
/// <param name="Kind">Which of its two queues.</param>
public sealed record FaultQueue(FaultEndpoint Endpoint, FaultQueueKind Kind)
{
    /// <summary>What the queue is called in the broker.</summary>
    public string Name => Kind switch
    {
        FaultQueueKind.Error => Endpoint.ErrorQueue,
        FaultQueueKind.Parked => Endpoint.ParkingQueue,
        _ => throw new InvalidOperationException($"There is no queue {Kind}."),
    };

    /// <summary>What it is called in addresses and on the command line, such as <c>order-confirmation/error</c>.</summary>
    public string Path => $"{Uri.EscapeDataString(Endpoint.Queue)}/{Kind.Word()}";

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>The queues in which the faults of an endpoint wait. In addresses and on the command line they are <c>error</c> and <c>parked</c>.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FaultQueueKind>))]
public enum FaultQueueKind
{
    /// <summary>What failed and may be replayed by the redeliver job.</summary>
    [JsonStringEnumMemberName("error")]
    Error,

    /// <summary>What waits for a person.</summary>
    [JsonStringEnumMemberName("parked")]
    Parked,
}

/// <summary>The words for <see cref="FaultQueueKind"/>.</summary>
public static class FaultQueueNames
{
    /// <summary>Both kinds.</summary>
    public static readonly IReadOnlyList<FaultQueueKind> All = Enum.GetValues<FaultQueueKind>();

    /// <summary>What moves messages out of the queue.</summary>
    internal static IReadOnlyList<FaultNeed> Moves(this FaultQueueKind queue) => queue == FaultQueueKind.Error ? [FaultNeed.Replay, FaultNeed.Park] : [FaultNeed.Replay, FaultNeed.Discard];

    /// <summary>What the queue is called in addresses and on the command line.</summary>
    public static string Word(this FaultQueueKind queue) => queue switch
    {
        FaultQueueKind.Error => "error",
        FaultQueueKind.Parked => "parked",
        _ => throw new ArgumentOutOfRangeException(nameof(queue), queue, null),
    };
}
