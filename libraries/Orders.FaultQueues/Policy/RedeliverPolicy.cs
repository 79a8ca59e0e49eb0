using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Orders.Messaging.Failures;

namespace Orders.FaultQueues.Policy;

/// <summary>What becomes of a fault.</summary>
public abstract record Verdict
{
    private Verdict()
    {
    }

    /// <summary>It stays where it is until it is due.</summary>
    public sealed record Wait(DateTimeOffset Due) : Verdict;

    /// <summary>It is consumed again from the beginning.</summary>
    public sealed record Replay(int RedeliverCount) : Verdict;

    /// <summary>It waits for a person.</summary>
    public sealed record Park(string Reason) : Verdict;
}

/// <summary>Decides about faults by what is written on them, and by how long they have been in the queue.</summary>
public sealed class RedeliverPolicy(IOptions<ReplayOptions> options, TimeProvider clock)
{
    private readonly IReadOnlyList<TimeSpan> _waits = options.Value.Waits;
    private readonly ConcurrentDictionary<FaultEndpoint, FaultArrivals> _arrivals = new();

    /// <inheritdoc cref="FaultArrivals.EndLook"/>
    public void EndLook(FaultEndpoint endpoint, bool sawAll) => ArrivalsAt(endpoint).EndLook(sawAll);

    /// <summary>What becomes of a fault in the error queue of an endpoint.</summary>
    public Verdict Judge(FaultEndpoint endpoint, FaultMessage fault)
    {
        if (fault.Kind != FailureKind.Transient)
        {
            return new Verdict.Park($"{fault.Kind}: {fault.Error ?? "no error text"}");
        }

        var replayed = fault.RedeliverCount;
        if (!WillReplay(replayed))
        {
            return new Verdict.Park($"Replayed {replayed} times in vain: {fault.Error ?? "no error text"}");
        }

        var due = ArrivalsAt(endpoint).Of(fault) + WaitBefore(replayed);
        return due <= clock.GetUtcNow() ? new Verdict.Replay(replayed + 1) : new Verdict.Wait(due);
    }

    /// <summary>Whether a transient fault that was replayed so often is replayed once more.</summary>
    public bool WillReplay(int replayed) => replayed < options.Value.MaxAttempts;

    /// <summary>How long a fault that was replayed so often waits for its next replay.</summary>
    public TimeSpan WaitBefore(int replayed) => _waits[Math.Min(replayed, _waits.Count - 1)];

    /// <summary>When the job will replay a fault; <c>null</c> where it will not.</summary>
    public DateTimeOffset? DueOf(FaultEndpoint endpoint, FaultMessage fault) => Judge(endpoint, fault) switch
    {
        Verdict.Wait(var due) => due,
        Verdict.Replay => clock.GetUtcNow(),
        _ => null,
    };

    /// <summary>Why a fault was sorted as it was, and what the job will do about it.</summary>
    public string Explain(FaultEndpoint endpoint, FaultMessage fault)
    {
        var sorted = fault.Kind switch
        {
            FailureKind.Permanent => "Permanent: trying again cannot help, by what the exception says.",
            FailureKind.Conflict => "Conflict: another message has the same id and says something else.",
            FailureKind.Unreadable => "Unreadable: the message is not JSON, or not of a type that is consumed here.",
            _ when fault.Text(FaultHeaders.FailureKind) is null => "Taken for transient: nothing on the message says what kind of failure it was.",
            _ => "Transient: trying again may help.",
        };
        var replayed = fault.RedeliverCount == 0 ? "" : $" It was replayed {fault.RedeliverCount} of {options.Value.MaxAttempts} times.";
        var next = Judge(endpoint, fault) switch
        {
            Verdict.Wait(var due) => $" The redeliver job replays it at {due.ToUniversalTime():yyyy-MM-dd HH:mm:ss} UTC.",
            Verdict.Replay => " The redeliver job replays it at its next look.",
            _ => " The redeliver job parks it at its next look.",
        };
        return sorted + replayed + next;
    }

    private FaultArrivals ArrivalsAt(FaultEndpoint endpoint) => _arrivals.GetOrAdd(endpoint, _ => new FaultArrivals(clock));
}
