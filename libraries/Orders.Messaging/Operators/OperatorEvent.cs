using MassTransit;

namespace Orders.Messaging.Operators;

/// <summary>
/// Something that operators may want to know, published as plain JSON to the topic exchange <c>order-notifications</c>.
/// Tells nothing of the customer.
/// </summary>
/// <param name="Key">The routing key, such as <c>order-confirmation.failed.permanent</c>.</param>
/// <param name="At">When it happened.</param>
/// <param name="OrderId">The order that it is about, where there is one that can be read.</param>
/// <param name="MessageId">The message that it is about, where it has an id.</param>
/// <param name="Reason">Why, in one line.</param>
[MessageUrn("Contracts:OperatorEvent")]
public sealed record OperatorEvent(string Key, DateTimeOffset At, string? OrderId, string? MessageId, string Reason);
