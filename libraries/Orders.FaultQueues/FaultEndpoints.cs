using System.Diagnostics.CodeAnalysis;
using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues;

/// <summary>All endpoints whose faults are looked after: every <see cref="FaultEndpoint"/> that is registered.</summary>
public sealed class FaultEndpoints
{
    /// <summary>Addresses below <c>/faults</c> and <c>/faults/api</c> begin with these words; an endpoint of that name could not be reached.</summary>
    private static readonly string[] Reserved = ["api", "assets", "audit", "endpoints", "error", "events", "health", "operations", "parked"];

    private readonly Dictionary<string, FaultEndpoint> _byName;

    /// <exception cref="InvalidOperationException">Two endpoints share a name or a queue, one has a reserved name, or it is not clear which is the default.</exception>
    public FaultEndpoints(IEnumerable<FaultEndpoint> endpoints)
    {
        All = [.. endpoints];
        Check(All);
        Default = FindDefault(All);
        _byName = All.ToDictionary(endpoint => endpoint.Queue, StringComparer.Ordinal);
    }

    /// <summary>In the order of their registration.</summary>
    public IReadOnlyList<FaultEndpoint> All { get; }

    /// <summary>The one that is meant where none is named.</summary>
    public FaultEndpoint Default { get; }

    /// <summary>The queues of faults of all endpoints.</summary>
    public IEnumerable<FaultQueue> Queues => All.SelectMany(endpoint => endpoint.Queues);

    /// <summary>The stream that records what was done to faults of any endpoint: named after our own default, where there is one.</summary>
    public string AuditStream => Default.IsForeign ? "faults_audit" : $"{Default.Queue}_audit";

    /// <summary>Finds an endpoint by the name of its queue.</summary>
    public bool TryGet([NotNullWhen(true)] string? name, [NotNullWhen(true)] out FaultEndpoint? endpoint)
    {
        endpoint = name is null ? null : _byName.GetValueOrDefault(name);
        return endpoint is not null;
    }

    /// <summary>Gets an endpoint by the name of its queue.</summary>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    public FaultEndpoint Get(string name) => TryGet(name, out var endpoint) ? endpoint : throw new KeyNotFoundException($"There is no endpoint {name}.");

    /// <summary>Whether addresses use the word, so that no endpoint can have it as its name.</summary>
    public static bool IsReserved(string name) => Reserved.Contains(name, StringComparer.OrdinalIgnoreCase);

    private static void Check(IReadOnlyList<FaultEndpoint> endpoints)
    {
        if (endpoints.Select(endpoint => endpoint.Queue).FirstOrDefault(IsReserved) is { } reserved)
        {
            throw new InvalidOperationException($"No endpoint can be called {reserved}: addresses of the fault queues use the word. Rename the queue.");
        }

        if (endpoints.Select(endpoint => endpoint.Queue).FirstOrDefault(queue => queue.Contains('/', StringComparison.Ordinal)) is { } divided)
        {
            throw new InvalidOperationException($"No endpoint can be called {divided}: addresses of the fault queues cannot hold its '/'. Rename the queue.");
        }

        var queues = endpoints.SelectMany(endpoint => new[] { endpoint.Queue, endpoint.ErrorQueue, endpoint.ParkingQueue });
        if (queues.CountBy(queue => queue).FirstOrDefault(queue => queue.Value > 1) is { Key: { } twice })
        {
            throw new InvalidOperationException($"Two endpoints use the queue {twice}. Give each a name of its own.");
        }
    }

    private static FaultEndpoint FindDefault(IReadOnlyList<FaultEndpoint> endpoints) =>
        endpoints.Count == 1 ? endpoints[0] : endpoints.Where(endpoint => endpoint.IsDefault).ToList() switch
        {
            [var only] => only,
            [] => throw new InvalidOperationException($"One of {endpoints.Count} endpoints must be the default; none is."),
            [var one, var other, ..] => throw new InvalidOperationException($"The endpoints {one} and {other} cannot both be the default."),
        };
}
