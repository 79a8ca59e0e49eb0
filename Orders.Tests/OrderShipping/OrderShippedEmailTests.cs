using Contracts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Notifications.Worker.OrderShipping;
using Notifications.Worker.Pipeline;
using Orders.Email;

namespace Orders.Tests.OrderShipping;

public sealed class OrderShippedEmailTests
{
    private static readonly OrderShipped Shipment = new(
        "12345", "customer@example.com", "1Z999", "Acorn Parcel", "https://parcel.example/1Z999?a=1&b=2", new DateTimeOffset(2026, 11, 21, 12, 0, 0, TimeSpan.Zero));

    [Test]
    public async Task It_tells_what_is_on_its_way_by_whom_and_where_to_follow_it()
    {
        var email = await ComposeAsync(Shipment);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((email.To, email.Subject), Is.EqualTo(("customer@example.com", "Your order 12345 is on its way")));
            Assert.That((email.Key, email.MessageId), Is.EqualTo(("12345+1Z999", "<order-shipped-12345+1Z999@shop.example>")));
            Assert.That(email.Text, Does.Contain("12345").And.Contain("1Z999").And.Contain("Acorn Parcel").And.Contain("https://parcel.example/1Z999?a=1&b=2").And.Contain("Acorn Shop"));
            Assert.That(email.Html, Does.Contain("12345").And.Contain("Acorn Parcel").And.Contain("<a class=\"link\" href=\"https://parcel.example/1Z999?a=1&amp;b=2\""));
        }
    }

    [Test]
    public async Task What_is_not_known_is_left_out()
    {
        var email = await ComposeAsync(Shipment with { Carrier = null, Link = null });

        using (Assert.EnterMultipleScope())
        {
            Assert.That(email.Text, Does.Not.Contain("Carrier").And.Not.Contain("Follow"));
            Assert.That(email.Html, Does.Not.Contain("Carrier").And.Not.Contain("<a ").And.Contain("<bdi>1Z999</bdi>"));
        }
    }

    [Test]
    public async Task Everything_that_comes_from_outside_is_encoded_in_the_HTML()
    {
        const string Hostile = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)>";
        var email = await ComposeAsync(Shipment with { OrderId = Hostile, TrackingNumber = Hostile, Carrier = Hostile, Link = $"https://parcel.example/\"{Hostile}" });

        Assert.That(email.Html, Does.Not.Contain("<script").And.Not.Contain("<img").And.Contain("&lt;script&gt;"));
    }

    private static Task<EmailMessage> ComposeAsync(OrderShipped shipment) => new OrderShippedNotification().ComposeAsync(
        shipment,
        new EmailTemplates(
            Options.Create(new EmailOptions { From = "Acorn Shop <orders@shop.example>" }), new ServiceCollection().BuildServiceProvider(), NullLoggerFactory.Instance));
}
