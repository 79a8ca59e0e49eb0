using Contracts;
using Notifications.Worker.Pipeline;

namespace Orders.Tests.Pipeline;

/// <summary>A box of an order was packed: a message that only these tests know.</summary>
public sealed record OrderPacked(string OrderId, string Email, string Box, string? Note, DateTimeOffset PackedAt);

/// <summary>A notification that is not the confirmation of an order: one order has several, and its events are the common ones.</summary>
internal sealed class OrderPackedNotification : Notification<OrderPacked>
{
    public override string Name => "order-packed";

    public override string Noun => "box";

    public override NotificationReference<OrderPacked> Reference => new("box", packed => packed.Box);

    public override IReadOnlyDictionary<string, string[]> FindMistakes(OrderPacked packed)
    {
        var mistakes = OrderRules.FindMistakes(packed.OrderId, packed.Email, product: "any");
        if (packed.Note?.Length > 10)
        {
            mistakes["note"] = ["The note must have 10 characters at most."];
        }

        return mistakes;
    }

    public override string OrderIdOf(OrderPacked packed) => packed.OrderId;

    public override string RecipientOf(OrderPacked packed) => packed.Email;

    public override string ContentOf(OrderPacked packed) => $"{packed.Email}\n{packed.Note}";

    public override DateTimeOffset TimeOf(OrderPacked packed) => packed.PackedAt;

    public override OrderPacked WithTime(OrderPacked packed, DateTimeOffset time) => packed with { PackedAt = time };

    public override Task<EmailContent> WriteAsync(OrderPacked packed, EmailTemplates templates) => Task.FromResult(new EmailContent(
        $"Box {packed.Box} of your order {packed.OrderId} is packed", $"By {templates.Shop}, at {packed.PackedAt:O}.", "<p>Packed</p>"));
}
