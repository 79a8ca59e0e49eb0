namespace Orders.FaultQueues.Queues;

/// <summary>Tells which rights the broker's user lacks for what is done about faults.</summary>
public interface IFaultRights
{
    /// <summary>
    /// The rights that are missing for a queue, found without moving anything. They are looked up when they are first asked for, and again
    /// after a minute, or after a refusal, as long as one is missing.
    /// </summary>
    /// <param name="queue">The queue.</param>
    /// <param name="cancellationToken">Gives up waiting for the broker.</param>
    /// <param name="trust">For how long a right that was missing counts as missing; a minute by default.</param>
    Task<IReadOnlyList<MissingRight>> FindMissingAsync(FaultQueue queue, CancellationToken cancellationToken, TimeSpan? trust = null);
}

/// <summary>The rights of a program that has no broker: it may do everything.</summary>
internal sealed class EveryRight : IFaultRights
{
    public Task<IReadOnlyList<MissingRight>> FindMissingAsync(FaultQueue queue, CancellationToken cancellationToken, TimeSpan? trust = null) =>
        Task.FromResult<IReadOnlyList<MissingRight>>([]);
}

/// <summary>Questions about rights.</summary>
internal static class FaultRights
{
    /// <summary>How long a missing right counts as missing when a person tries what needs it: it may have been given a moment ago.</summary>
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(5);

    /// <summary>Of the rights that are missing, those that something needs.</summary>
    public static IReadOnlyList<MissingRight> For(this IReadOnlyList<MissingRight> missing, params ReadOnlySpan<FaultNeed> needs)
    {
        var found = new List<MissingRight>();
        foreach (var right in missing)
        {
            foreach (var need in needs)
            {
                if (right.For.Contains(need))
                {
                    found.Add(right);
                    break;
                }
            }
        }

        return found;
    }

    /// <summary>Refuses what cannot be done.</summary>
    /// <exception cref="MissingRightException">A right is missing.</exception>
    public static async Task RequireAsync(this IFaultRights rights, FaultQueue queue, FaultNeed need, CancellationToken cancellationToken)
    {
        if ((await rights.FindMissingAsync(queue, cancellationToken)).For(FaultNeed.Look, need).Count > 0
            && (await rights.FindMissingAsync(queue, cancellationToken, Moment)).For(FaultNeed.Look, need) is { Count: > 0 } missing)
        {
            throw new MissingRightException(missing);
        }
    }
}
