using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Live;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues.Pages;

/// <summary>The address of the page of a queue.</summary>
internal static class FaultAddress
{
    public static string Address(this FaultQueue queue) => $"/faults/{queue.Path}";

    public static string Address(this QueueOverview overview) => Address(overview.Endpoint, overview.Queue);

    public static string Address(this FaultDetails details) => Address(details.Endpoint, details.Queue);

    public static string Address(this FaultRequest request) => Address(request.Endpoint, request.Queue);

    public static string Address(this EndpointCounts counts, FaultQueueKind queue) => Address(counts.Endpoint, queue);

    private static string Address(string endpoint, FaultQueueKind queue) => new FaultQueue(new FaultEndpoint(endpoint), queue).Address();
}
