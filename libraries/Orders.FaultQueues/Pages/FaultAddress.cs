using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Live;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues.Pages;

/// <summary>The queue that something is about, and the address of its page.</summary>
internal static class FaultAddress
{
    public static string Address(this FaultQueue queue) => $"/faults/{queue.Path}";

    public static string Address(this QueueOverview overview) => Of(overview.Endpoint, overview.Queue).Address();

    public static FaultQueue FaultQueue(this FaultRequest request) => Of(request.Endpoint, request.Queue);

    public static string Address(this EndpointCounts counts, FaultQueueKind queue) => Of(counts.Endpoint, queue).Address();

    // Only its names matter here.
    private static FaultQueue Of(string endpoint, FaultQueueKind queue) => new(new FaultEndpoint(endpoint), queue);
}
