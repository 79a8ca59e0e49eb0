using Orders.FaultQueues;

namespace Notifications.Worker;

/// <summary>The endpoints whose messages are about orders.</summary>
internal static class OrderFaults
{
    /// <summary>An endpoint that people alone replay.</summary>
    public static FaultEndpoint At(string queue) => new(queue) { IsReplayed = false, Subject = [JsonPath.Parse("$.orderId")], SubjectName = "Order" };
}
