namespace Orders.Api.OrderStore;

/// <summary>Which email about which order. The confirmation is the order's own: it is claimed and placed under the same key.</summary>
/// <param name="OrderId">The order that it is about.</param>
/// <param name="Notification">The notification's name, such as <c>order-shipped</c>.</param>
/// <param name="Reference">What of the order it is about, such as a tracking number; <c>null</c> where it is the whole order.</param>
public sealed record NotificationKey(string OrderId, string Notification, string? Reference = null)
{
    /// <summary>What of the order it is about; <c>null</c> where it is the whole order.</summary>
    public string? Reference { get; } = string.IsNullOrEmpty(Reference) ? null : Reference;

    /// <summary>The name of the notification whose status is that of the order.</summary>
    public const string OrderConfirmation = "order-confirmation";

    /// <summary>The name of the notification about a shipment. Its reference is the tracking number.</summary>
    public const string OrderShipped = "order-shipped";

    /// <summary>Whether it is the order itself.</summary>
    public bool IsConfirmation => Notification == OrderConfirmation;

    /// <summary>Whether it is about a shipment.</summary>
    public bool IsShipment => Notification == OrderShipped;

    /// <summary>The key of an order itself.</summary>
    public static NotificationKey Confirmation(string orderId) => new(orderId, OrderConfirmation);

    /// <summary>The key of a shipment.</summary>
    public static NotificationKey Of(Contracts.OrderShipped shipment) => new(shipment.OrderId, OrderShipped, shipment.TrackingNumber);
}
