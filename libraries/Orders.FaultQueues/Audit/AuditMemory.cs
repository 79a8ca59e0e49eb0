namespace Orders.FaultQueues.Audit;

/// <summary>The newest entries of an audit trail, at hand.</summary>
internal sealed class AuditMemory
{
    /// <summary>How many entries are kept at hand.</summary>
    public const int Capacity = 20_000;

    private readonly LinkedList<AuditEntry> _entries = [];

    public void Add(AuditEntry entry)
    {
        lock (_entries)
        {
            _entries.AddLast(entry);
            if (_entries.Count > Capacity)
            {
                _entries.RemoveFirst();
            }
        }
    }

    public void Clear()
    {
        lock (_entries)
        {
            _entries.Clear();
        }
    }

    /// <summary>What a query asks for, newest first.</summary>
    public IReadOnlyList<AuditEntry> Read(AuditQuery query)
    {
        lock (_entries)
        {
            return
            [
                .. _entries.Reverse()
                    .Where(entry => (query.Operation is null || entry.Operation == query.Operation)
                        && (query.Endpoint is null || entry.Endpoint == query.Endpoint)
                        && (query.Subject is null || entry.Subject == query.Subject)
                        && (query.Who is null || entry.Who == query.Who))
                    .Skip(query.Skip)
                    .Take(query.Take),
            ];
        }
    }
}
