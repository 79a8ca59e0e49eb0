using System.Text.RegularExpressions;

namespace Contracts;

/// <summary>What makes a shipment a valid one, whichever way it comes in.</summary>
public static partial class ShipmentRules
{
    /// <summary>The tracking number as a pattern of ECMAScript, without its end. It goes by the rule of order ids.</summary>
    public const string TrackingNumber = OrderRules.OrderId;

    /// <summary>The carrier as a pattern of ECMAScript, without its end.</summary>
    public const string Carrier = @"^[^\x00-\x1F\x7F-\x9F]{1,100}";

    private const int MaxCarrierLength = 100;

    /// <summary>The longest link, in characters.</summary>
    public const int MaxLinkLength = 2_000;

    /// <summary>What is wrong, for each field by its name in JSON; empty where the shipment is valid. No text holds a value.</summary>
    public static Dictionary<string, string[]> FindMistakes(string? orderId, string? email, string? trackingNumber, string? carrier, string? link)
    {
        // What both have is right or wrong by the same rules.
        var mistakes = OrderRules.FindMistakes(orderId, email);

        if (!OrderRules.IsOrderId(trackingNumber))
        {
            mistakes["trackingNumber"] = ["The tracking number must have 1 to 64 characters of letters, digits, '.', '_' and '-'."];
        }

        if (carrier is not null && (string.IsNullOrWhiteSpace(carrier) || !OneLine.IsValid(carrier, MaxCarrierLength)))
        {
            mistakes["carrier"] = ["The carrier must have 1 to 100 characters, none of them a control character. Leave it out where it is not known."];
        }

        if (link is not null && !IsLink(link))
        {
            mistakes["link"] = [$"The link must be an absolute https or http URL of at most {MaxLinkLength:N0} characters. Leave it out where there is none."];
        }

        return mistakes;
    }

    /// <summary>Whether a text is an absolute https or http URL that can be shown as a link.</summary>
    public static bool IsLink(string text) =>
        text.Length <= MaxLinkLength
        && LinkPattern().IsMatch(text)
        && Uri.TryCreate(text, UriKind.Absolute, out var url)
        && (url.Scheme == Uri.UriSchemeHttps || url.Scheme == Uri.UriSchemeHttp);

    /// <summary>What a valid shipment says beside its order id and its time: two with one order id are the same where this is.</summary>
    /// <remarks>The tracking number is a part of it, so that no two parcels of an order say the same. Like <see cref="OrderRules.ContentOf"/>: hashes of it are stored, and no field can hold a line feed.</remarks>
    public static string ContentOf(OrderShipped shipment) =>
        $"{shipment.TrackingNumber}\n{shipment.Email}"
        + (shipment.Carrier is null ? null : $"\ncarrier {shipment.Carrier}")
        + (shipment.Link is null ? null : $"\nlink {shipment.Link}");

    // The parser passes over spaces around it, and takes a backslash for a slash.
    [GeneratedRegex(@"^https?://[^\s\\""<>\p{C}]+\z", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex LinkPattern();
}
