using System.Text.RegularExpressions;

namespace Contracts;

/// <summary>What makes an order a valid one, whichever way it comes in.</summary>
public static partial class OrderRules
{
    /// <summary>The order id as a pattern of ECMAScript, without its end.</summary>
    // It is checked with \z, which means the same as ECMAScript's $: .NET's own $ would let a line feed through.
    public const string OrderId = "^[A-Za-z0-9._-]{1,64}";

    /// <summary>The product as a pattern of ECMAScript, without its end.</summary>
    public const string Product = @"^[^\x00-\x1F\x7F-\x9F]{1,200}";

    private const int MaxProductLength = 200;

    /// <summary>The longest email address, in bytes of UTF-8.</summary>
    public const int MaxEmailLength = AddressRule.MaxLength;

    /// <summary>What is wrong, for each field by its name in JSON; empty where the order is valid. No text holds a value.</summary>
    public static Dictionary<string, string[]> FindMistakes(string? orderId, string? email, string? product)
    {
        var mistakes = FindMistakes(orderId, email);

        if (string.IsNullOrWhiteSpace(product))
        {
            mistakes["product"] = ["The product is missing."];
        }
        else if (!OneLine.IsValid(product, MaxProductLength))
        {
            mistakes["product"] = ["The product must have 1 to 200 characters, none of them a control character."];
        }

        return mistakes;
    }

    /// <summary>The same of what every message about an order has.</summary>
    public static Dictionary<string, string[]> FindMistakes(string? orderId, string? email)
    {
        var mistakes = new Dictionary<string, string[]>();

        if (!IsOrderId(orderId))
        {
            mistakes["orderId"] = ["The order id must have 1 to 64 characters of letters, digits, '.', '_' and '-'."];
        }

        if (string.IsNullOrEmpty(email))
        {
            mistakes["email"] = ["The email address is missing."];
        }
        else if (!AddressRule.TryParse(email, out _))
        {
            mistakes["email"] = [$"The email must be one address, such as customer@example.com, of at most {MaxEmailLength} bytes and without a display name."];
        }

        return mistakes;
    }

    /// <summary>Whether a text is a proper order id.</summary>
    public static bool IsOrderId(string? text) => text is not null && OrderIdPattern().IsMatch(text);

    /// <summary>What a valid order says beside its id and its time: two orders with one id are the same where this is.</summary>
    /// <remarks>
    /// Hashes of it are stored, and messages of earlier releases are compared with it: a field that is added to the order is
    /// appended as a further line, with its name, and only where it is set. No field can hold a line feed.
    /// </remarks>
    public static string ContentOf(OrderPlaced order) => $"{order.Email}\n{order.Product}";

    [GeneratedRegex(OrderId + @"\z", RegexOptions.CultureInvariant)]
    private static partial Regex OrderIdPattern();
}
