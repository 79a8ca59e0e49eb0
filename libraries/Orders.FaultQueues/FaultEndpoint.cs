using System.Text.RegularExpressions;
using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues;

/// <summary>A receive endpoint whose faults are looked after. Its other queues are named after it; other systems rely on the names.</summary>
/// <param name="Queue">The endpoint's queue, to which messages are replayed. It names the endpoint in addresses and on the command line.</param>
public sealed partial record FaultEndpoint(string Queue)
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

    /// <summary>Whether another program has it. We declare none of its queues but parking, which we add.</summary>
    public bool IsForeign { get; init; }

    /// <summary>Where a message says what it is about: the first path that leads to a proper subject counts.</summary>
    public IReadOnlyList<JsonPath> Subject { get; init; } = [];

    /// <summary>What people call the subject, such as <c>Order</c>.</summary>
    public string SubjectName { get; init; } = "Subject";

    /// <summary>Where a message says whom its email is for; <c>null</c> where its messages are about no email.</summary>
    public JsonPath? Recipient { get; init; }

    /// <summary>The fields of a message, by their names in JSON, that say which one it is: edited, they make another one of it.</summary>
    public IReadOnlyList<string> Identity { get; init; } = [];

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

    /// <summary>
    /// What a message is about: 1 to 64 letters, digits and any of <c>. _ - : / # +</c>. <c>null</c> where it does not say, or says
    /// something else, which has no place in logs, addresses and audit trails.
    /// </summary>
    public string? SubjectOf(FaultMessage message) => Subject.Select(message.Read).FirstOrDefault(subject => subject is not null && ProperSubject().IsMatch(subject));

    /// <summary>Whom its email is for, as the message says it; not to be logged.</summary>
    public string? RecipientOf(FaultMessage message) => Recipient is null ? null : message.Read(Recipient);

    /// <summary>Whether both mean the same queue.</summary>
    public bool Equals(FaultEndpoint? other) => other?.Queue == Queue;

    /// <inheritdoc/>
    public override int GetHashCode() => Queue.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => Queue;

    [GeneratedRegex(@"^[A-Za-z0-9._:/#+-]{1,64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex ProperSubject();
}
