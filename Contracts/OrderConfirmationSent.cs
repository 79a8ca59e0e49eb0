namespace Contracts;

/// <summary>The mail server took the confirmation of an order.</summary>
/// <param name="OrderId">The order that was confirmed.</param>
/// <param name="MessageId">The <c>Message-ID</c> of the email (RFC 5322, section 3.6.4), with its angle brackets.</param>
/// <param name="SentAt">When the mail server took it.</param>
public sealed record OrderConfirmationSent(string OrderId, string MessageId, DateTimeOffset SentAt);
