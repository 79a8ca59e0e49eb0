using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues;

/// <summary>A receive endpoint whose faults are looked after. Its other queues are named after it; other systems rely on the names.</summary>
/// <param name="Queue">The endpoint's queue, to which messages are replayed.</param>
public sealed record FaultEndpoint(string Queue)
{
    /// <summary>What an error queue is called: this after the endpoint's name. MassTransit says so.</summary>
    public const string ErrorSuffix = "_error";

    /// <summary>What the queue is called in which messages wait for a person: this after the endpoint's name.</summary>
    public const string ParkingSuffix = "_parked";

    /// <summary>Where MassTransit moves what failed for the last time: the dead-letter queue.</summary>
    public string ErrorQueue => Queue + ErrorSuffix;

    /// <summary>Where messages wait for a person.</summary>
    public string ParkingQueue => Queue + ParkingSuffix;

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
