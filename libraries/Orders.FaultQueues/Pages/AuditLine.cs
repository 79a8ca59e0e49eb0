using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues.Pages;

/// <summary>One or more entries of the audit trail that belong together, in one line.</summary>
/// <param name="From">When it began.</param>
/// <param name="To">When it ended.</param>
/// <param name="Who">Who did it.</param>
/// <param name="Event">What was done.</param>
/// <param name="Endpoint">Whose messages, by the name of the endpoint's queue.</param>
/// <param name="Queue">Where the messages lay.</param>
/// <param name="Count">To how many messages.</param>
/// <param name="Total">How many there were to be.</param>
/// <param name="Reason">To which of them, and why.</param>
/// <param name="Operation">The operation that it was.</param>
/// <param name="Subject">What the message is about, where it is only one.</param>
/// <param name="End">How the operation ended; <c>null</c> where it has not.</param>
public sealed record AuditLine(
    DateTimeOffset From,
    DateTimeOffset To,
    string Who,
    AuditEvent Event,
    string? Endpoint,
    FaultQueueKind Queue,
    int Count,
    int? Total,
    string? Reason,
    string? Operation,
    string? Subject,
    string? End)
{
    /// <summary>Whether the line stands for an operation as a whole.</summary>
    public bool IsOperation => Total is not null || End is not null;

    /// <summary>A line for each entry.</summary>
    public static AuditLine Of(AuditEntry entry) => new(
        entry.At, entry.At, entry.Who, entry.Event, entry.Endpoint, entry.Queue, entry.Count ?? 1, null, entry.Reason, entry.Operation, entry.Subject, null);

    /// <summary>A line for each operation, and for what one user did to several messages in a row.</summary>
    /// <param name="entries">The entries, newest first.</param>
    public static IEnumerable<AuditLine> Collapse(IReadOnlyList<AuditEntry> entries)
    {
        var operations = entries.Where(entry => entry.Operation is not null).ToLookup(entry => entry.Operation!);
        var seen = new HashSet<string>();
        AuditLine? row = null;
        foreach (var entry in entries)
        {
            if (entry.Operation is null && row is not null
                && (row.Who, row.Event, row.Endpoint, row.Queue, row.Reason) == (entry.Who, entry.Event, entry.Endpoint, entry.Queue, entry.Reason))
            {
                row = row with { From = entry.At, Count = row.Count + 1, Subject = null };
                continue;
            }

            if (row is not null)
            {
                yield return row;
                row = null;
            }

            if (entry.Operation is null)
            {
                row = Of(entry);
            }
            else if (seen.Add(entry.Operation))
            {
                yield return OfOperation([.. operations[entry.Operation]]);
            }
        }

        if (row is not null)
        {
            yield return row;
        }
    }

    private static AuditLine OfOperation(IReadOnlyList<AuditEntry> entries)
    {
        var begin = entries.FirstOrDefault(entry => entry.Event == AuditEvent.Begin);
        var end = entries.FirstOrDefault(entry => entry.Event == AuditEvent.End);
        var moved = entries.Where(entry => entry.Event is not (AuditEvent.Begin or AuditEvent.End)).ToList();
        var (action, scope) = begin?.Reason?.Split(' ', 2) is [var word, var rest] ? (word, rest) : (null, begin?.Reason);
        return new AuditLine(
            entries[^1].At,
            entries[0].At,
            entries[0].Who,
            moved.Count > 0 ? moved[0].Event : Enum.TryParse<AuditEvent>(action, ignoreCase: true, out var what) ? what : AuditEvent.Begin,
            entries[0].Endpoint,
            entries[0].Queue,
            end?.Count ?? moved.Count,
            begin?.Count,
            scope ?? (moved.Count > 0 ? moved[0].Reason : null),
            entries[0].Operation,
            null,
            end is null ? null : end.Reason ?? "done");
    }
}
