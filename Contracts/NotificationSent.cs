namespace Contracts;

/// <summary>The mail server took an email about an order. Order confirmations have a message of their own: <see cref="OrderConfirmationSent"/>.</summary>
/// <param name="Notification">Which notification it is, such as <c>order-shipped</c>.</param>
/// <param name="OrderId">The order that it is about.</param>
/// <param name="Reference">What of the order it is about, such as a tracking number; <c>null</c> where it is the whole order.</param>
/// <param name="MessageId">The <c>Message-ID</c> of the email (RFC 5322, section 3.6.4), with its angle brackets.</param>
/// <param name="SentAt">When the mail server took it.</param>
public sealed record NotificationSent(string Notification, string OrderId, string? Reference, string MessageId, DateTimeOffset SentAt);
