using System.ComponentModel;
using System.Text.Json.Serialization;
using Contracts;
using Orders.Api.OrderStore;

namespace Orders.Api.Orders;

/// <summary>The answer to an order that was placed.</summary>
/// <param name="Message">For people.</param>
/// <param name="Order">The order as it was placed.</param>
/// <param name="Status">What became of it, where it was placed before.</param>
public sealed record PlaceOrderResponse(
    string Message,
    OrderPlaced Order,
    [property: Description("What became of the order since it was placed; left out when it is placed just now.")]
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    OrderStatus? Status = null)
{
    /// <summary>The <see cref="Message"/>, as the tutorial has it.</summary>
    internal const string Placed = "Order placed successfully!";

    /// <summary>The <see cref="Message"/> to who sends the same order again.</summary>
    internal const string PlacedBefore = "This order was placed already.";
}
