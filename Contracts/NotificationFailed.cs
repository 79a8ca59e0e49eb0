namespace Contracts;

/// <summary>An email about an order was given up and its message parked: a person has to act. Order confirmations have <see cref="OrderConfirmationFailed"/>.</summary>
/// <param name="Notification">Which notification it is, such as <c>order-shipped</c>.</param>
/// <param name="OrderId">The order that it is about; <c>null</c> where the message could not be read, or its order id belongs to another order.</param>
/// <param name="Reference">What of the order it is about, such as a tracking number; <c>null</c> where it is the whole order, or is not known.</param>
/// <param name="Reason">Why it was given up, in one line.</param>
/// <param name="FailedAt">When it was parked.</param>
public sealed record NotificationFailed(string Notification, string? OrderId, string? Reference, string Reason, DateTimeOffset FailedAt);
