namespace Orders.FaultQueues.Audit;

/// <summary>The record of what was done to faults.</summary>
public interface IAuditTrail
{
    /// <summary>Puts an entry on record. When the task completes, it is safe.</summary>
    Task WriteAsync(AuditEntry entry, CancellationToken cancellationToken);

    /// <summary>The newest entries, newest first; of one operation or of one order only, where that is asked.</summary>
    Task<IReadOnlyList<AuditEntry>> ReadAsync(AuditQuery query, CancellationToken cancellationToken);
}

/// <summary>Which entries are meant. Conditions that are left out take every entry.</summary>
/// <param name="Operation">Those of this operation.</param>
/// <param name="Subject">Those about messages with this subject.</param>
/// <param name="Who">Those of this user.</param>
/// <param name="Skip">How many of the newest to pass over.</param>
/// <param name="Take">How many at most.</param>
/// <param name="Endpoint">Those about messages of this endpoint, by the name of its queue.</param>
public sealed record AuditQuery(
    string? Operation = null, string? Subject = null, string? Who = null, int Skip = 0, int Take = 100, string? Endpoint = null);
