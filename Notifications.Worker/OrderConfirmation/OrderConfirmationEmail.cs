using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Contracts;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.Options;
using Orders.Email;

namespace Notifications.Worker.OrderConfirmation;

/// <summary>Writes the email that confirms an order. Safe for use by many threads at once.</summary>
public sealed class OrderConfirmationEmail(IOptions<EmailOptions> options, IServiceProvider services, ILoggerFactory loggerFactory)
{
    private const int LongestLocalPart = 200;

    private readonly string _domain = options.Value.Sender.Host;
    private readonly string _shop = options.Value.Sender is { DisplayName.Length: > 0 } sender ? sender.DisplayName : options.Value.Sender.Host;

    /// <summary>
    /// The same order always makes the same email. Its <see cref="EmailMessage.MessageId"/> is a proposal: where an earlier
    /// attempt had another one, because it had another sender, the ledger keeps to that.
    /// </summary>
    public async Task<EmailMessage> ComposeAsync(OrderPlaced order)
    {
        var placedAt = order.PlacedAt.ToUniversalTime().ToString("d MMMM yyyy, HH:mm 'UTC'", CultureInfo.InvariantCulture);
        return new EmailMessage(
            MessageIdOf(order.OrderId),
            order.Email,
            $"Your order {order.OrderId} is confirmed",
            Text(order, placedAt),
            await HtmlAsync(order, placedAt))
        {
            Notification = OrderConfirmationEndpoint.Notification,
            Key = order.OrderId,
            Content = OrderRules.ContentOf(order),
        };
    }

    /// <summary>
    /// Different for different orders, and valid (RFC 5322, section 3.2.3, <c>dot-atom</c>) whatever the order id:
    /// ids come from elsewhere too.
    /// </summary>
    private string MessageIdOf(string orderId)
    {
        var id = new StringBuilder("order-confirmation-");
        for (var i = 0; i < orderId.Length; i++)
        {
            var c = orderId[i];
            var isPlain = char.IsAsciiLetterOrDigit(c)
                || c is '-' or '_'
                // A dot must have something on either side of it.
                || (c == '.' && i + 1 < orderId.Length && orderId[i + 1] != '.');
            id = isPlain ? id.Append(c) : id.Append(CultureInfo.InvariantCulture, $"%{(int)c:X4}");
        }

        if (id.Length > LongestLocalPart)
        {
            // No encoded id has a '%' that is followed by an 's'.
            id = id.Clear().Append("order-confirmation-%sha256-").Append(Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(orderId.AsSpan()))));
        }

        return $"<{id}@{_domain}>";
    }

    private string Text(OrderPlaced order, string placedAt) =>
        $"""
        Thank you for your order!

        Your order is confirmed, and we are getting it ready.

        Order number: {order.OrderId}
        Product:      {order.Product}
        Placed on:    {placedAt}

        --{" "}
        {_shop}
        You receive this email because an order was placed with your address.

        """;

    private async Task<string> HtmlAsync(OrderPlaced order, string placedAt)
    {
        // A renderer keeps every component it has rendered until it is disposed, and it renders one at a time. A
        // new one for each email has neither problem, and a whole email takes about 0.1 ms.
        await using var renderer = new HtmlRenderer(services, loggerFactory);
        var parameters = ParameterView.FromDictionary(new Dictionary<string, object?>
        {
            [nameof(OrderConfirmationEmailHtml.Shop)] = _shop,
            [nameof(OrderConfirmationEmailHtml.OrderId)] = order.OrderId,
            [nameof(OrderConfirmationEmailHtml.Product)] = order.Product,
            [nameof(OrderConfirmationEmailHtml.PlacedAt)] = placedAt,
        });
        return await renderer.Dispatcher.InvokeAsync(async () =>
            (await renderer.RenderComponentAsync<OrderConfirmationEmailHtml>(parameters)).ToHtmlString());
    }
}
