namespace Contracts;

/// <summary>A delivery of an order's confirmation failed, and it will be tried again without anybody's doing.</summary>
/// <param name="OrderId">The order that waits for its confirmation.</param>
/// <param name="Attempts">
/// How many deliveries have failed so far, those before a replay included; what is tried again at once counts as one.
/// </param>
/// <param name="NextAttemptAt">When the next one is due, or <c>null</c> where the worker that publishes this cannot know.</param>
/// <param name="Reason">What happened to the last one, in one line without an address.</param>
/// <param name="At">When that was.</param>
public sealed record OrderConfirmationRetrying(string OrderId, int Attempts, DateTimeOffset? NextAttemptAt, string Reason, DateTimeOffset At);
