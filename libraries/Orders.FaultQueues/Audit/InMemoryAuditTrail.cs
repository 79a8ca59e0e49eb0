namespace Orders.FaultQueues.Audit;

/// <summary>The audit trail of a process that has no broker: it ends with the process, as its messages do.</summary>
public sealed class InMemoryAuditTrail : IAuditTrail
{
    private readonly AuditMemory _entries = new();

    public Task WriteAsync(AuditEntry entry, CancellationToken cancellationToken)
    {
        _entries.Add(entry);
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<AuditEntry>> ReadAsync(AuditQuery query, CancellationToken cancellationToken) =>
        Task.FromResult(_entries.Read(query));
}
