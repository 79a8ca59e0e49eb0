namespace Notifications.Worker;

/// <summary>Section <c>Worker</c>: which part of the work this process does.</summary>
public sealed class WorkerOptions
{
    public const string Section = "Worker";

    public WorkerRole Role { get; set; } = WorkerRole.All;
}

public enum WorkerRole
{
    All,

    /// <summary>Sends all notifications, whatever its name says: confirmations were the first. Any number of processes.</summary>
    Confirmations,

    /// <summary>Replays and parks faults, and tells people. One process is enough; more do no harm.</summary>
    Faults,

    /// <summary>Looks after the fault queues of other programs that <c>Faults__Queues</c> names, and does nothing else.</summary>
    Console,
}
