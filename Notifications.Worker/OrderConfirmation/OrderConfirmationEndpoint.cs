using Orders.FaultQueues;

namespace Notifications.Worker.OrderConfirmation;

/// <summary>The names that belong to the queue of order confirmations. Other systems rely on them.</summary>
public static class OrderConfirmationEndpoint
{
    public const string Queue = "order-confirmation";

    /// <summary>The notification's name, in metrics and the ledger.</summary>
    internal const string Notification = "order-confirmation";

    /// <summary>Where MassTransit moves what failed for the last time: the dead-letter queue.</summary>
    public const string ErrorQueue = Queue + FaultEndpoint.ErrorSuffix;

    /// <summary>Where messages wait for a person.</summary>
    public const string ParkingQueue = Queue + FaultEndpoint.ParkingSuffix;

    /// <summary>The endpoint to those who look after its faults.</summary>
    internal static readonly FaultEndpoint Faults = new(Queue);
}
