using System.Text.RegularExpressions;

namespace Orders.FaultQueues;

/// <summary>
/// The rights to the queues of other programs that users of the broker need, as alternatives for the patterns of their permissions.
/// To replay to a queue that has no exchange of its name takes the right to write to <c>amq\.default</c> as well.
/// </summary>
/// <param name="Configure">For who may declare.</param>
/// <param name="Write">For who may publish to exchanges, and bind queues.</param>
/// <param name="Read">For who may consume from queues, and bind to exchanges.</param>
public sealed record ForeignPermissions(IReadOnlyList<string> Configure, IReadOnlyList<string> Write, IReadOnlyList<string> Read)
{
    /// <summary>Parking and the locks.</summary>
    private const string Ours = "_(parked|(error|parked)_turn)";

    /// <summary>Those of the program that looks at the faults and moves them, where the topology is deployed.</summary>
    /// <param name="endpoints">All endpoints; ours need none of these.</param>
    public static ForeignPermissions ToUse(FaultEndpoints endpoints) =>
        new([], [.. NamesIn(endpoints).Select(name => $"{name}({Ours})?")], [.. NamesIn(endpoints).Select(name => $"{name}_(error|parked)(_turn)?")]);

    /// <summary>Those of who deploys the topology. To configure the error queue is what it takes to be told its type.</summary>
    /// <inheritdoc cref="ToUse" path="/param"/>
    public static ForeignPermissions ToDeploy(FaultEndpoints endpoints)
    {
        string[] ours = [.. NamesIn(endpoints).Select(name => name + Ours)];
        return new([.. NamesIn(endpoints).Select(name => $"{name}_(error|parked)(_turn)?")], ours, ours);
    }

    private static IEnumerable<string> NamesIn(FaultEndpoints endpoints) => endpoints.All.Where(endpoint => endpoint.IsForeign).Select(endpoint => Regex.Escape(endpoint.Queue));
}
