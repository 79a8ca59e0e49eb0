using System.ComponentModel;
using System.Text.RegularExpressions;
using Contracts;
using Notifications.Worker.Email;

namespace Orders.Api.Orders;

/// <summary>An order as a client sends it.</summary>
/// <remarks>Nothing in it can be relied on before <see cref="Validate"/>.</remarks>
public sealed partial record PlaceOrderRequest(
    [property: Description("1 to 64 characters of letters, digits, '.', '_' and '-'. Generated when left out.")]
    string? OrderId,
    [property: Description("The customer's address, where the confirmation goes: one address without a display name, at most 254 characters.")]
    string? Email,
    [property: Description("What is ordered: 1 to 200 characters, none of them a control character.")]
    string? Product)
{
    // The document shows these rules with ECMAScript's $ at the end. It is checked with \z, which means the same:
    // .NET's own $ would let a line feed through.
    internal const string OrderIdRule = "^[A-Za-z0-9._-]{1,64}";
    internal const string ProductRule = @"^[^\x00-\x1F\x7F-\x9F]{1,200}";

    /// <summary>What is wrong, for each field by its name in JSON; empty when the order can be placed.</summary>
    public Dictionary<string, string[]> Validate()
    {
        var errors = new Dictionary<string, string[]>();

        if (OrderId is not null && !OrderIdPattern().IsMatch(OrderId))
        {
            errors["orderId"] = ["The order id must have 1 to 64 characters of letters, digits, '.', '_' and '-'; leave it out to have one generated."];
        }

        if (string.IsNullOrEmpty(Email))
        {
            errors["email"] = ["The email address is missing."];
        }
        else if (!EmailAddress.TryParse(Email, out _))
        {
            errors["email"] = ["The email must be one address, such as customer@example.com, of at most 254 characters and without a display name."];
        }

        if (string.IsNullOrWhiteSpace(Product))
        {
            errors["product"] = ["The product is missing."];
        }
        else if (!ProductPattern().IsMatch(Product))
        {
            errors["product"] = ["The product must have 1 to 200 characters, none of them a control character."];
        }

        return errors;
    }

    /// <summary>The message for a valid order.</summary>
    public OrderPlaced ToOrderPlaced(DateTimeOffset placedAt) =>
        new(OrderId ?? Guid.CreateVersion7().ToString("N"), Email!, Product!, placedAt);

    [GeneratedRegex(OrderIdRule + @"\z", RegexOptions.CultureInvariant)]
    private static partial Regex OrderIdPattern();

    [GeneratedRegex(ProductRule + @"\z", RegexOptions.CultureInvariant)]
    private static partial Regex ProductPattern();
}
