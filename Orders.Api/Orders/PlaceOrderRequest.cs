using System.ComponentModel;
using Contracts;

namespace Orders.Api.Orders;

/// <summary>An order as a client sends it.</summary>
/// <remarks>Nothing in it can be relied on before <see cref="Validate"/>.</remarks>
public sealed record PlaceOrderRequest(
    [property: Description("1 to 64 characters of letters, digits, '.', '_' and '-'. Generated when left out.")]
    string? OrderId,
    [property: Description("The customer's address, where the confirmation goes: one address without a display name, at most 254 characters.")]
    string? Email,
    [property: Description("What is ordered: 1 to 200 characters, none of them a control character.")]
    string? Product)
{
    /// <summary>What is wrong, for each field by its name in JSON; empty when the order can be placed.</summary>
    public Dictionary<string, string[]> Validate()
    {
        var mistakes = OrderRules.FindMistakes(OrderId, Email, Product);
        if (OrderId is null)
        {
            // One is generated.
            mistakes.Remove("orderId");
        }

        return mistakes;
    }

    /// <summary>The message for a valid order.</summary>
    /// <param name="placedAt">When it was accepted.</param>
    /// <param name="idempotencyKey">Makes the order id, where there is none; without it that is a new one.</param>
    public OrderPlaced ToOrderPlaced(DateTimeOffset placedAt, string? idempotencyKey = null) =>
        new(OrderId ?? (idempotencyKey is null ? Guid.CreateVersion7().ToString("N") : IdempotencyKey.ToOrderId(idempotencyKey)), Email!, Product!, placedAt);
}
