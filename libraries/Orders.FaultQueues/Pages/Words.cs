using System.Globalization;
using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues.Pages;

/// <summary>How numbers, times and names are told to people.</summary>
internal static class Words
{
    /// <summary>A number with its noun: <c>1 message</c>, <c>1,200 messages</c>.</summary>
    public static string Count(long count, string noun) => $"{Number(count)} {noun}{(count == 1 ? "" : "s")}";

    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    public static string Name(this FaultQueueKind queue) => queue == FaultQueueKind.Error ? "Error queue" : "Parked";

    /// <summary>Where a queue's messages are, in the middle of a sentence.</summary>
    public static string Place(this FaultQueueKind queue) => queue == FaultQueueKind.Error ? "in the error queue" : "in parking";

    /// <summary>Where messages were taken from.</summary>
    public static string Source(this FaultQueueKind queue) => queue == FaultQueueKind.Error ? "from the error queue" : "from parking";

    /// <summary>What a message is called where it is the heading: <c>Order 12345</c>.</summary>
    public static string Title(this FaultQueue queue, string? subject) => string.IsNullOrEmpty(subject) ? "Message" : $"{queue.Endpoint.SubjectName} {subject}";

    public static string Word(this FaultAction action) => action.ToString().ToLowerInvariant();

    public static string Word(this OperationState state) => state.ToString().ToLowerInvariant();

    /// <summary>What was done to messages, in the past tense.</summary>
    public static string Past(this AuditEvent what) => what switch
    {
        AuditEvent.Replay => "replayed",
        AuditEvent.Edit => "edited and replayed",
        AuditEvent.Park => "parked",
        AuditEvent.Discard => "discarded",
        AuditEvent.Begin => "began an operation on",
        _ => "ended an operation on",
    };

    /// <summary>A type's name without its namespace.</summary>
    public static string ShortType(string? type) => type switch
    {
        null or "" => "No exception on the message",
        _ when type.LastIndexOf('.') is var dot && dot >= 0 && dot < type.Length - 1 => type[(dot + 1)..],
        _ => type,
    };

    /// <summary>A frame without its namespace: type and method.</summary>
    public static string ShortFrame(string frame)
    {
        var parts = frame.Split('.', StringSplitOptions.RemoveEmptyEntries);
        return parts.Length <= 2 ? frame : $"{parts[^2]}.{parts[^1]}";
    }

    /// <summary>A time of the day, with the date unless it is today's.</summary>
    public static string Clock(DateTimeOffset time, DateTimeOffset now) => time.ToUniversalTime().ToString(
        time.UtcDateTime.Date == now.UtcDateTime.Date ? "HH:mm:ss" : "d MMM yyyy HH:mm", CultureInfo.InvariantCulture);

    /// <summary>The same in words relative to now. The script has a copy of it.</summary>
    public static string Relative(DateTimeOffset time, DateTimeOffset now)
    {
        var distance = (now - time).Duration();
        if (distance < TimeSpan.FromSeconds(5))
        {
            return "now";
        }

        return time <= now ? $"{Span(distance)} ago" : $"in {Span(distance)}";
    }

    /// <summary>A length of time in its largest units.</summary>
    public static string Span(TimeSpan span) => span switch
    {
        _ when span < TimeSpan.FromMinutes(1) => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(span.TotalSeconds)} s"),
        _ when span < TimeSpan.FromHours(1) => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(span.TotalMinutes)} min"),
        _ when span < TimeSpan.FromDays(2) => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(span.TotalHours)} h {span.Minutes} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(span.TotalDays)} days"),
    };
}
