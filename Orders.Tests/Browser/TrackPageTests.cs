using System.Text.RegularExpressions;
using Contracts;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Orders.Api.OrderStore;
using static Microsoft.Playwright.Assertions;

namespace Orders.Tests.Browser;

/// <summary>The page that shows a customer what became of an order, in a real browser.</summary>
internal sealed class TrackPageTests : FaultPagesUnderTest
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 26, 12, 0, 0, TimeSpan.Zero);

    [SetUp]
    public async Task StartTheSystemAsync()
    {
        await StartAsync();
        await Store.RecordAcceptedAsync(NotificationKey.Confirmation("40001"), new StoredContent("content", "customer"), Noon);
    }

    private IOrderStore Store => TheSystem.Api.GetRequiredService<IOrderStore>();

    [Test]
    public async Task It_follows_the_order_without_being_loaded_again()
    {
        var page = await OpenAsync("/orders/40001/track");
        await Expect(page).ToHaveTitleAsync("Placed – Order 40001");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("We have your order");
        await page.EvaluateAsync("() => { window.sameDocument = true; }");

        await PublishAsync(new OrderConfirmationRetrying("40001", 1, Noon.AddSeconds(6), "Connection refused", Noon.AddSeconds(1)));
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Your confirmation is delayed");
        await Expect(page).ToHaveTitleAsync("Delayed – Order 40001");
        await Expect(page.GetByText("Deliveries that failed")).ToBeVisibleAsync();
        await PublishAsync(new OrderConfirmationSent("40001", "<order-confirmation-40001@shop.example>", Noon.AddSeconds(6)));
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Your confirmation is on its way");

        await Expect(page.GetByRole(AriaRole.Listitem)).ToHaveTextAsync(
            [new Regex("Confirmed$"), new Regex("Delayed: Connection refused$"), new Regex("Placed$")]);
        Assert.That(await page.EvaluateAsync<bool>("() => window.sameDocument === true"));
    }

    [Test]
    public async Task Without_script_it_says_the_same_and_looks_again_by_itself()
    {
        var page = await OpenAsync("/orders/40001/track", new BrowserNewPageOptions { JavaScriptEnabled = false });
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("We have your order");

        await PublishAsync(new OrderConfirmationSent("40001", "<order-confirmation-40001@shop.example>", Noon.AddSeconds(6)));

        // It looks every 5 s, which is as long as Playwright waits by itself, and the first look may come too soon.
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Your confirmation is on its way", new() { Timeout = 15_000 });
        await Expect(page.GetByText("26 Nov 2026 12:00:06 UTC")).ToHaveCountAsync(1);
    }

    [Test]
    public async Task What_others_wrote_is_text_and_nothing_else()
    {
        const string Hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"&";
        await PublishAsync(new OrderConfirmationFailed("40001", Hostile, Noon.AddSeconds(6)));
        var page = await OpenAsync("/orders/40001/track");
        await Expect(page.Locator("dl dd").GetByText(Hostile, new() { Exact = true })).ToBeVisibleAsync();
        await PublishAsync(new OrderConfirmationSent("40001", Hostile, Noon.AddSeconds(7)));

        // By the script as well.
        await Expect(page.GetByText("Message-ID of the email")).ToBeVisibleAsync();
        await Expect(page.Locator("dd.mono")).ToHaveTextAsync(Hostile);
    }

    [Test]
    public async Task It_shows_parcels_and_other_emails_and_follows_them()
    {
        var parcel = new OrderShipped("40001", "customer@example.com", "1Z999", "Acorn Parcel", "https://parcel.example/?n=1Z999&lang=en", Noon.AddMinutes(1));
        await Store.RecordAcceptedAsync(NotificationKey.Of(parcel), StoredContent.Of(parcel), parcel.ShippedAt);
        var page = await OpenAsync("/orders/40001/track");
        var parcels = page.Locator(".further").GetByRole(AriaRole.Listitem);
        await Expect(parcels).ToHaveTextAsync([new Regex("On its way with Acorn Parcel.*Tracking number 1Z999.*being sent")]);
        await page.EvaluateAsync("() => { window.sameDocument = true; }");

        await PublishAsync(new NotificationSent("order-shipped", "40001", "1Z999", "<order-shipped-40001@shop.example>", Noon.AddMinutes(2)));
        await Expect(parcels).ToContainTextAsync(["We emailed you about it: 26 Nov 2026"]);
        await PublishAsync(new NotificationFailed("order-shipped", "40001", "1Z998", "no mailbox", Noon.AddMinutes(3)));
        await Expect(parcels.Nth(1)).ToHaveTextAsync(new Regex("On its way.*1Z998.*could not be sent.*no mailbox"));
        await PublishAsync(new NotificationRetrying("order-delayed", "40001", null, 1, Noon.AddMinutes(5), "no room", Noon.AddMinutes(4)));
        await Expect(parcels.Nth(2)).ToHaveTextAsync(new Regex("Order delayed.*tried again by itself.*Next try: 26 Nov 2026.*no room"));

        var link = parcels.First.GetByRole(AriaRole.Link);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await page.Locator(".further").GetByRole(AriaRole.Link).CountAsync(), Is.EqualTo(1));
            Assert.That(await link.GetAttributeAsync("href"), Is.EqualTo("https://parcel.example/?n=1Z999&lang=en"));
            Assert.That(await link.GetAttributeAsync("rel"), Does.Contain("noopener"));
            Assert.That(await page.EvaluateAsync<bool>("() => window.sameDocument === true"));
        }

        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("We have your order");
    }

    [Test]
    public async Task Of_an_order_of_which_only_a_parcel_is_known_it_shows_that()
    {
        var parcel = new OrderShipped("40002", "customer@example.com", "1Z999", null, null, Noon);
        await Store.RecordAcceptedAsync(NotificationKey.Of(parcel), StoredContent.Of(parcel), parcel.ShippedAt);
        var page = await OpenAsync("/orders/40002/track");

        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Your order is on its way");
        await Expect(page.Locator(".further")).ToContainTextAsync("Tracking number 1Z999");
    }

    [TestCase("javascript:alert(1)")]
    [TestCase("data:text/html,<script>alert(1)</script>")]
    public async Task A_link_that_is_none_is_not_shown_as_one(string link)
    {
        const string Hostile = "<img src=x onerror=alert(2)>\"'&";
        var parcel = new OrderShipped("40001", "customer@example.com", "1Z999", Hostile, link, Noon);
        await Store.RecordAcceptedAsync(NotificationKey.Of(parcel), StoredContent.Of(parcel), parcel.ShippedAt);
        await PublishAsync(new NotificationFailed(Hostile, "40001", Hostile, Hostile, Noon));
        var page = await OpenAsync("/orders/40001/track");

        await Expect(page.Locator(".further").GetByText(Hostile)).ToHaveCountAsync(4);
        await Expect(page.GetByRole(AriaRole.Link)).ToHaveCountAsync(0);
    }

    [Test]
    public async Task Of_an_order_that_nobody_knows_it_says_so()
    {
        var page = await OpenAsync("/orders/nobody-knows/track");
        ForgetTrouble("404");

        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("The order is not known");
    }

    [Test]
    public async Task It_can_be_read_by_who_has_a_small_screen()
    {
        await PublishAsync(new OrderConfirmationFailed("40001", new string('x', 400), Noon.AddSeconds(6)));
        var parcel = new OrderShipped("40001", "customer@example.com", new string('1', 64), new string('A', 100), "https://parcel.example/", Noon);
        await Store.RecordAcceptedAsync(NotificationKey.Of(parcel), StoredContent.Of(parcel), parcel.ShippedAt);
        var page = await OpenAsync("/orders/40001/track", new BrowserNewPageOptions { ViewportSize = new() { Width = 320, Height = 640 } });

        Assert.That(await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"), Is.EqualTo(320), "Nothing is wider than the screen.");
    }

    private Task PublishAsync<T>(T what)
        where T : class => TheSystem.Api.GetRequiredService<IBus>().Publish(what);
}
