namespace Contracts;

/// <summary>All messages about orders.</summary>
public static class OrderMessages
{
    /// <summary>Their types.</summary>
    public static IReadOnlyList<Type> All { get; } =
    [
        typeof(OrderPlaced),
        typeof(OrderConfirmationSent),
        typeof(OrderConfirmationRetrying),
        typeof(OrderConfirmationFailed),
        typeof(OrderShipped),
        typeof(NotificationSent),
        typeof(NotificationRetrying),
        typeof(NotificationFailed),
    ];
}
