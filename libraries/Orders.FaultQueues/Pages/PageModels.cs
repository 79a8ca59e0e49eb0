using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues.Pages;

/// <summary>What <see cref="Overview"/> shows.</summary>
/// <param name="Queues">All queues of faults.</param>
/// <param name="Operations">Those that run, and the newest others.</param>
/// <param name="Audit">The newest lines of the audit trail.</param>
public sealed record OverviewModel(
    IReadOnlyList<QueueOverview> Queues, IReadOnlyList<FaultOperation> Operations, IReadOnlyList<AuditLine> Audit);

/// <summary>What <see cref="FaultList"/> shows.</summary>
/// <param name="Queue">The queue.</param>
/// <param name="Query">The filter as it was typed.</param>
/// <param name="Found">The page; <c>null</c> where the filter has mistakes.</param>
/// <param name="Number">The number of the page, from 1.</param>
/// <param name="MissingRights">The rights that the broker's user lacks for the queue.</param>
/// <param name="Notice">What has just been done.</param>
public sealed record ListModel(
    FaultQueue Queue, FaultQuery Query, Inspection.FaultPage? Found, int Number, IReadOnlyList<MissingRight> MissingRights, string? Notice = null)
{
    public const int PageSize = 50;

    public int Pages => (int)Math.Max(1, ((Found?.Matched ?? 0) + PageSize - 1) / PageSize);
}

/// <summary>What <see cref="FaultView"/> shows.</summary>
public sealed record FaultModel(FaultQueue Queue, FaultDetails Details, IReadOnlyList<AuditLine> Audit, bool MayEdit, IReadOnlyList<MissingRight> MissingRights);

/// <summary>What <see cref="Confirm"/> shows: the dry run.</summary>
/// <param name="Queue">Where the messages lie.</param>
/// <param name="Action">What would be done.</param>
/// <param name="Query">To which messages.</param>
/// <param name="Count">How many they are.</param>
/// <param name="First">The oldest of them.</param>
/// <param name="Rate">The rate as it was typed.</param>
/// <param name="Reason">The reason as it was typed.</param>
/// <param name="Mistakes">What is wrong, by the name of the field.</param>
public sealed record ConfirmModel(
    FaultQueue Queue,
    FaultAction Action,
    FaultQuery Query,
    long Count,
    IReadOnlyList<Fault> First,
    string Rate,
    string? Reason,
    IReadOnlyDictionary<string, string> Mistakes);

/// <summary>What <see cref="Edit"/> shows.</summary>
/// <param name="Queue">Where the message lies.</param>
/// <param name="Id">The fault.</param>
/// <param name="Subject">What it is about.</param>
/// <param name="Body">The body as it was typed.</param>
/// <param name="ContentType">The content type as it was typed.</param>
/// <param name="Reason">The reason as it was typed.</param>
/// <param name="Mistakes">What is wrong, by the name of the field.</param>
public sealed record EditModel(
    FaultQueue Queue,
    string Id,
    string? Subject,
    string Body,
    string? ContentType,
    string? Reason,
    IReadOnlyDictionary<string, string> Mistakes);

/// <summary>What <see cref="AuditPage"/> shows.</summary>
/// <param name="Query">The filter.</param>
/// <param name="Each">Whether every message has a line of its own.</param>
/// <param name="Lines">The page, newest first.</param>
/// <param name="Number">The number of the page, from 1.</param>
/// <param name="HasMore">Whether there is another page.</param>
public sealed record AuditModel(AuditQuery Query, bool Each, IReadOnlyList<AuditLine> Lines, int Number, bool HasMore)
{
    public const int PageSize = 100;
}

/// <summary>What <see cref="Message"/> says where there is nothing to show.</summary>
/// <param name="Title">What has happened.</param>
/// <param name="Text">What that means.</param>
/// <param name="Link">Where to go on.</param>
/// <param name="LinkText">What is there.</param>
public sealed record MessageModel(string Title, string Text, string Link, string LinkText);
