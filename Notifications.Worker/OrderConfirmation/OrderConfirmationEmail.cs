using System.Globalization;
using Contracts;
using Notifications.Worker.Pipeline;

namespace Notifications.Worker.OrderConfirmation;

/// <summary>Writes the email that confirms an order.</summary>
internal static class OrderConfirmationEmail
{
    /// <inheritdoc cref="Notification{TMessage}.WriteAsync"/>
    public static async Task<EmailContent> WriteAsync(OrderPlaced order, EmailTemplates templates)
    {
        var placedAt = order.PlacedAt.ToUniversalTime().ToString("d MMMM yyyy, HH:mm 'UTC'", CultureInfo.InvariantCulture);
        var html = await templates.RenderAsync<OrderConfirmationEmailHtml>(new Dictionary<string, object?>
        {
            [nameof(OrderConfirmationEmailHtml.Shop)] = templates.Shop,
            [nameof(OrderConfirmationEmailHtml.OrderId)] = order.OrderId,
            [nameof(OrderConfirmationEmailHtml.Product)] = order.Product,
            [nameof(OrderConfirmationEmailHtml.PlacedAt)] = placedAt,
        });
        return new EmailContent($"Your order {order.OrderId} is confirmed", Text(order, placedAt, templates.Shop), html);
    }

    private static string Text(OrderPlaced order, string placedAt, string shop) =>
        $"""
        Thank you for your order!

        Your order is confirmed, and we are getting it ready.

        Order number: {order.OrderId}
        Product:      {order.Product}
        Placed on:    {placedAt}

        --{" "}
        {shop}
        You receive this email because an order was placed with your address.

        """;
}
