using Orders.FaultQueues;
using Orders.FaultQueues.Queues;

namespace Orders.Testing.Faults;

/// <summary>The queues in which faults of order confirmations wait.</summary>
internal static class ConfirmationFaults
{
    public static readonly FaultEndpoint Endpoint = new("order-confirmation")
    {
        Subject = [JsonPath.Parse("$.orderId")],
        SubjectName = "Order",
        Recipient = JsonPath.Parse("$.email"),
        Identity = ["orderId"],
    };

    public static readonly FaultQueue Error = Endpoint.Error;

    public static readonly FaultQueue Parked = Endpoint.Parked;
}
