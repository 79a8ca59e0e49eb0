namespace Notifications.Worker.Faults.Http;

/// <summary>The HTTP API of the fault queues.</summary>
public static class FaultApi
{
    public static void MapFaultApi(this IEndpointRouteBuilder app)
    {
    }
}
