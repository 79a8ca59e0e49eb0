using System.Diagnostics.Metrics;
using Orders.FaultQueues.Audit;
using Orders.Messaging.Failures;
using Orders.ServiceDefaults.Telemetry;

namespace Orders.FaultQueues;

/// <summary>Counts what is done about faults.</summary>
public sealed class FaultMetrics
{
    private readonly Counter<long> _replayed;
    private readonly Counter<long> _parked;

    public FaultMetrics(IMeterFactory meters)
    {
        var meter = meters.CreateForWorker();
        _replayed = meter.CreateCounter<long>("faults.replayed", "{message}", "Faults that were replayed.");
        _parked = meter.CreateCounter<long>("faults.parked", "{message}", "Faults that were parked.");
    }

    /// <summary>Counts a replay.</summary>
    /// <param name="endpoint">Whose message it is.</param>
    /// <param name="who">The name of a user, or <see cref="AuditEntry.RedeliverJob"/>.</param>
    public void Replay(FaultEndpoint endpoint, string who) => _replayed.Add(1, By(who), Of(endpoint));

    /// <summary>Counts a message that waits for a person from now on.</summary>
    /// <param name="endpoint">Whose message it is.</param>
    /// <param name="who">The name of a user, or <see cref="AuditEntry.RedeliverJob"/>.</param>
    /// <param name="kind">How its failure was sorted.</param>
    public void Park(FaultEndpoint endpoint, string who, FailureKind kind) =>
        _parked.Add(1, By(who), new("error.type", kind.Word()), Of(endpoint));

    private static KeyValuePair<string, object?> By(string who) => new("by", who == AuditEntry.RedeliverJob ? "job" : "person");

    private static KeyValuePair<string, object?> Of(FaultEndpoint endpoint) => new("messaging.destination.name", endpoint.Queue);
}
