namespace Contracts;

/// <summary>A delivery of an email about an order failed. It is tried again without a person. Order confirmations have <see cref="OrderConfirmationRetrying"/>.</summary>
/// <param name="Notification">Which notification it is, such as <c>order-shipped</c>.</param>
/// <param name="OrderId">The order that it is about.</param>
/// <param name="Reference">What of the order it is about, such as a tracking number; <c>null</c> where it is the whole order.</param>
/// <param name="Attempts">How many deliveries have failed so far, those before a replay included. Immediate retries count as one.</param>
/// <param name="NextAttemptAt">When the next delivery is due; <c>null</c> where the worker cannot know.</param>
/// <param name="Reason">Why the last delivery failed, in one line without an address.</param>
/// <param name="At">When that was.</param>
public sealed record NotificationRetrying(
    string Notification, string OrderId, string? Reference, int Attempts, DateTimeOffset? NextAttemptAt, string Reason, DateTimeOffset At);
