using System.Text.RegularExpressions;
using Contracts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Notifications.Worker.OrderConfirmation;
using Notifications.Worker.Pipeline;
using Orders.Email;

namespace Orders.Tests.OrderConfirmation;

public sealed partial class OrderConfirmationEmailTests
{
    private static readonly OrderPlaced Order =
        new("12345", "customer@example.com", "Laptop", new DateTimeOffset(2025, 6, 3, 16, 5, 0, TimeSpan.FromHours(2)));

    [Test]
    public async Task It_tells_the_order_the_product_and_the_time_in_UTC_in_both_parts()
    {
        var email = await Compose(Order);

        Assert.Multiple(() =>
        {
            Assert.That(email.To, Is.EqualTo("customer@example.com"));
            Assert.That(email.Subject, Is.EqualTo("Your order 12345 is confirmed"));
            Assert.That(email.MessageId, Is.EqualTo("<order-confirmation-12345@shop.example>"));
            foreach (var part in new[] { email.Text, email.Html })
            {
                Assert.That(part, Does.Contain("12345").And.Contain("Laptop").And.Contain("3 June 2025, 14:05 UTC").And.Contain("Acorn Shop"));
            }
        });
    }

    [Test]
    public async Task The_same_order_makes_the_same_email() =>
        Assert.That(await Compose(Order), Is.EqualTo(await Compose(Order with { })));

    [Test]
    public async Task Everything_that_comes_from_outside_is_encoded_in_the_HTML()
    {
        const string Hostile = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)>";
        var email = await Compose(Order with { OrderId = Hostile, Product = Hostile }, from: "\"<b>Shop</b>\" <orders@shop.example>");

        Assert.That(email.Html, Does.Not.Contain("<script").And.Not.Contain("<img").And.Not.Contain("<b>"));
        Assert.That(email.Html, Does.Contain("&lt;script&gt;"));
        Assert.That(email.Text, Does.Contain(Hostile));
    }

    [TestCase("Laptop 💻 für Zoë")]
    [TestCase("מחשב נייד")]
    [TestCase("حاسوب محمول \u202Eabc")]
    [TestCase("👩‍👩‍👧‍👦")]
    public async Task Any_script_survives_in_both_parts(string product)
    {
        var email = await Compose(Order with { Product = product });

        Assert.That(email.Text, Does.Contain(product));
        Assert.That(System.Net.WebUtility.HtmlDecode(email.Html), Does.Contain($"<bdi>{product}</bdi>"), "isolated from the text around it");
    }

    [Test]
    public async Task The_HTML_needs_nothing_from_elsewhere_and_runs_nothing()
    {
        var email = await Compose(Order);

        Assert.That(email.Html, Does.StartWith("<!DOCTYPE html>"));
        Assert.That(email.Html, Does.Not.Contain("http").And.Not.Contain("src=").And.Not.Contain("<script").And.Not.Contain("url(").And.Not.Contain("@import"));
        Assert.That(email.Html, Does.Contain("lang=\"en\"").And.Contain("name=\"color-scheme\""));
        Assert.That(Tables().Count(email.Html), Is.EqualTo(LayoutTables().Count(email.Html)), "tables that a screen reader must not read as tables");
    }

    [Test]
    public async Task Many_are_written_at_once()
    {
        var templates = Templates();
        var emails = await Task.WhenAll(Enumerable.Range(0, 500).Select(i => Task.Run(() => new OrderConfirmationNotification().ComposeAsync(Order with { OrderId = $"id-{i}" }, templates))));

        Assert.That(emails.Select((e, i) => e.Html.Contains($">id-{i}<", StringComparison.Ordinal)), Has.All.True);
    }

    private static Task<EmailMessage> Compose(OrderPlaced order, string from = "Acorn Shop <orders@shop.example>") =>
        new OrderConfirmationNotification().ComposeAsync(order, Templates(from));

    private static EmailTemplates Templates(string from = "Acorn Shop <orders@shop.example>") => new(
        Options.Create(new EmailOptions { From = from }),
        new ServiceCollection().BuildServiceProvider(),
        NullLoggerFactory.Instance);

    [GeneratedRegex("<table")]
    private static partial Regex Tables();

    [GeneratedRegex("<table role=\"presentation\"")]
    private static partial Regex LayoutTables();
}
