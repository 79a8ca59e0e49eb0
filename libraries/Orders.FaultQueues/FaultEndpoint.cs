using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues;

/// <summary>A receive endpoint whose faults are looked after. Its other queues are named after it; other systems rely on the names.</summary>
/// <param name="Queue">The endpoint's queue, to which messages are replayed.</param>
public sealed record FaultEndpoint(string Queue)
{
    /// <summary>Where MassTransit moves what failed for the last time: the dead-letter queue.</summary>
    public string ErrorQueue => $"{Queue}_error";

    /// <summary>Where messages wait for a person.</summary>
    public string ParkingQueue => $"{Queue}_parked";

    /// <summary>The stream that records what was done to faults.</summary>
    public string AuditStream => $"{Queue}_audit";

    /// <summary>What one of the queues of faults is called in the broker.</summary>
    public string NameOf(FaultQueue queue) => queue switch
    {
        FaultQueue.Error => ErrorQueue,
        FaultQueue.Parked => ParkingQueue,
        _ => throw new ArgumentOutOfRangeException(nameof(queue), queue, null),
    };
}
