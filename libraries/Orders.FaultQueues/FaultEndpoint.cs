using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues;

/// <summary>A receive endpoint whose faults are looked after. Its other queues are named after it; other systems rely on the names.</summary>
/// <param name="Queue">The endpoint's queue, to which messages are replayed. It names the endpoint in addresses and on the command line.</param>
public sealed record FaultEndpoint(string Queue)
{
    /// <summary>What an error queue is called: this after the endpoint's name. MassTransit says so.</summary>
    public const string ErrorSuffix = "_error";

    /// <summary>What the queue is called in which messages wait for a person: this after the endpoint's name.</summary>
    public const string ParkingSuffix = "_parked";

    /// <summary>
    /// Whether addresses and commands that name no endpoint mean this one. The audit trail of all endpoints is named after it.
    /// One endpoint is, where there are several.
    /// </summary>
    public bool IsDefault { get; init; }

    /// <summary>Whether the redeliver job replays its faults and parks them. Otherwise people alone do.</summary>
    public bool IsReplayed { get; init; } = true;

    /// <summary>The fields of a message, by their names in JSON, that say which one it is: edited, they make another one of it.</summary>
    public IReadOnlyList<string> Identity { get; init; } = ["orderId"];

    /// <summary>Where MassTransit moves what failed for the last time: the dead-letter queue.</summary>
    public string ErrorQueue => Queue + ErrorSuffix;

    /// <summary>Where messages wait for a person.</summary>
    public string ParkingQueue => Queue + ParkingSuffix;

    /// <summary>The <see cref="ErrorQueue"/>, to look at.</summary>
    public FaultQueue Error => new(this, FaultQueueKind.Error);

    /// <summary>The <see cref="ParkingQueue"/>, to look at.</summary>
    public FaultQueue Parked => new(this, FaultQueueKind.Parked);

    /// <summary>Both queues of faults.</summary>
    public IReadOnlyList<FaultQueue> Queues => [Error, Parked];

    /// <summary>Whether both mean the same queue.</summary>
    public bool Equals(FaultEndpoint? other) => other?.Queue == Queue;

    /// <inheritdoc/>
    public override int GetHashCode() => Queue.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => Queue;
}
