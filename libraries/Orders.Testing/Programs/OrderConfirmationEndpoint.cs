using Orders.FaultQueues;

namespace Orders.Testing.Programs;

/// <summary>The queues of order confirmations, as other systems know them.</summary>
internal static class OrderConfirmationEndpoint
{
    public const string Queue = "order-confirmation";

    public const string ErrorQueue = Queue + FaultEndpoint.ErrorSuffix;

    public const string ParkingQueue = Queue + FaultEndpoint.ParkingSuffix;
}
