using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Pages;
using Orders.FaultQueues.Queues;

namespace Orders.Tests.Browser;

public sealed class FaultAuditLineTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 21, 21, 14, 3, TimeSpan.Zero);

    [Test]
    public void An_operation_is_one_line_whatever_came_in_between()
    {
        var lines = Collapse(
            Entry(0, "anna", AuditEvent.Begin) with { Operation = "ab12cd34", Count = 3, Reason = "replay all: mail server fixed" },
            Entry(1, "anna", AuditEvent.Replay) with { Operation = "ab12cd34", Reason = "mail server fixed" },
            Entry(2, AuditEntry.RedeliverJob, AuditEvent.Replay),
            Entry(3, "anna", AuditEvent.Replay) with { Operation = "ab12cd34", Reason = "mail server fixed" },
            Entry(4, "anna", AuditEvent.End) with { Operation = "ab12cd34", Count = 2, Reason = "cancelled" });

        Assert.That(lines, Is.EqualTo(
        [
            new AuditLine(Start, Start.AddSeconds(4), "anna", AuditEvent.Replay, "order-confirmation", FaultQueueKind.Error, 2, 3, "all: mail server fixed", "ab12cd34", null, "cancelled"),
            AuditLine.Of(Entry(2, AuditEntry.RedeliverJob, AuditEvent.Replay)),
        ]));
    }

    [Test]
    public void An_operation_that_has_done_nothing_yet_says_what_it_is_going_to_do()
    {
        var line = Collapse(Entry(0, "anna", AuditEvent.Begin) with { Operation = "ab12cd34", Count = 7, Reason = "park group 0123: why" }).Single();

        Assert.That((line.Event, line.Count, line.Total, line.End), Is.EqualTo((AuditEvent.Park, 0, (int?)7, (string?)null)));
    }

    [Test]
    public void What_the_job_does_alike_in_a_row_is_one_line()
    {
        var lines = Collapse(
            Entry(0, AuditEntry.RedeliverJob, AuditEvent.Replay),
            Entry(1, AuditEntry.RedeliverJob, AuditEvent.Replay),
            Entry(2, AuditEntry.RedeliverJob, AuditEvent.Park) with { Reason = "Permanent: no" },
            Entry(3, AuditEntry.RedeliverJob, AuditEvent.Park) with { Reason = "Permanent: never" });

        Assert.That(lines.Select(line => (line.Event, line.Count, line.Reason)), Is.EqualTo(
            [(AuditEvent.Park, 1, "Permanent: never"), (AuditEvent.Park, 1, "Permanent: no"), (AuditEvent.Replay, 2, (string?)null)]));
    }

    private static AuditLine[] Collapse(params AuditEntry[] oldestFirst) => [.. AuditLine.Collapse([.. oldestFirst.Reverse()])];

    private static AuditEntry Entry(int second, string who, AuditEvent what) =>
        new(Start.AddSeconds(second), who, what, "order-confirmation", FaultQueueKind.Error, FaultId: $"{second}", Subject: $"{second}");
}
