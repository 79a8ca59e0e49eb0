using Contracts;

namespace Orders.Api.Orders;

/// <summary>The answer to an order that was placed.</summary>
/// <param name="Message">For people.</param>
/// <param name="Order">The order as it was placed.</param>
public sealed record PlaceOrderResponse(string Message, OrderPlaced Order)
{
    /// <summary>The <see cref="Message"/>, as the tutorial has it.</summary>
    internal const string Placed = "Order placed successfully!";
}
