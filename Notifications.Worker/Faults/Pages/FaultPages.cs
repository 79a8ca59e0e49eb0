namespace Notifications.Worker.Faults.Pages;

/// <summary>The web pages of the fault queues.</summary>
public static class FaultPages
{
    public static void MapFaultPages(this IEndpointRouteBuilder app)
    {
    }
}
