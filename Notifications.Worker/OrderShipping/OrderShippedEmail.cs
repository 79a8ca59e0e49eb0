using Contracts;
using Notifications.Worker.Pipeline;

namespace Notifications.Worker.OrderShipping;

/// <summary>Writes the email that tells of a parcel.</summary>
internal static class OrderShippedEmail
{
    /// <inheritdoc cref="Notification{TMessage}.WriteAsync"/>
    public static async Task<EmailContent> WriteAsync(OrderShipped shipment, EmailTemplates templates)
    {
        var html = await templates.RenderAsync<OrderShippedEmailHtml>(new Dictionary<string, object?>
        {
            [nameof(OrderShippedEmailHtml.Shop)] = templates.Shop,
            [nameof(OrderShippedEmailHtml.Shipment)] = shipment,
        });
        return new EmailContent($"Your order {shipment.OrderId} is on its way", Text(shipment, templates.Shop), html);
    }

    private static string Text(OrderShipped shipment, string shop) =>
        $"""
        Your order is on its way!

        Order number:    {shipment.OrderId}
        Tracking number: {shipment.TrackingNumber}
        {(shipment.Carrier is null ? "" : $"Carrier:         {shipment.Carrier}\n")}{(shipment.Link is null ? "" : $"Follow it:       {shipment.Link}\n")}
        --{" "}
        {shop}
        You receive this email because an order was placed with your address.

        """;
}
