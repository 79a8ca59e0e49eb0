namespace Contracts;

/// <summary>
/// The confirmation of an order was given up and its message parked: nothing more happens without a person.
/// </summary>
/// <param name="OrderId">The order, or <c>null</c> where the message could not be read, or its order id is that of another order.</param>
/// <param name="Reason">Why it was given up, in one line.</param>
/// <param name="FailedAt">When it was parked.</param>
public sealed record OrderConfirmationFailed(string? OrderId, string Reason, DateTimeOffset FailedAt);
