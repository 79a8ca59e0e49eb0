using Notifications.Worker.Faults.Access;
using Notifications.Worker.Faults.Inspection;
using Notifications.Worker.Faults.Queues;

namespace Notifications.Worker.Faults.Http;

/// <summary>The HTTP API of the fault queues.</summary>
public static class FaultApi
{
    /// <summary>What all addresses of the API begin with.</summary>
    public const string Path = $"{FaultAccess.Path}/api";

    /// <summary>Maps the API into the group of <see cref="FaultAccess.Path"/>.</summary>
    public static void MapFaultApi(this IEndpointRouteBuilder faults)
    {
        var api = faults.MapGroup("/api");
        api.MapGet("", GetOverviewAsync);
    }

    private static async Task<QueueOverview[]> GetOverviewAsync(FaultInspector inspector, CancellationToken cancellationToken) =>
    [
        await inspector.GetOverviewAsync(FaultQueue.Error, cancellationToken),
        await inspector.GetOverviewAsync(FaultQueue.Parked, cancellationToken),
    ];
}
