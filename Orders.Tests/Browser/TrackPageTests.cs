using System.Text.RegularExpressions;
using Contracts;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Orders.Api.OrderBook;
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
        await Book.RecordAcceptedAsync(NotificationKey.Confirmation("40001"), new BookContent("content", "customer"), Noon);
    }

    private IOrderBook Book => TheSystem.Api.GetRequiredService<IOrderBook>();

    [Test]
    public async Task It_follows_the_order_without_being_loaded_again()
    {
        var page = await OpenAsync("/orders/40001/track");
        await Expect(page).ToHaveTitleAsync("Placed – Order 40001");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("We have your order");
        await page.EvaluateAsync("() => { window.sameDocument = true; }");

        await TellAsync(new OrderConfirmationRetrying("40001", 1, Noon.AddSeconds(6), "Connection refused", Noon.AddSeconds(1)));
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Your confirmation is delayed");
        await Expect(page).ToHaveTitleAsync("Delayed – Order 40001");
        await Expect(page.GetByText("Deliveries that failed")).ToBeVisibleAsync();
        await TellAsync(new OrderConfirmationSent("40001", "<order-confirmation-40001@shop.example>", Noon.AddSeconds(6)));
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

        await TellAsync(new OrderConfirmationSent("40001", "<order-confirmation-40001@shop.example>", Noon.AddSeconds(6)));

        // It looks every 5 s, which is as long as Playwright waits by itself, and the first look may come too soon.
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Your confirmation is on its way", new() { Timeout = 15_000 });
        await Expect(page.GetByText("26 Nov 2026 12:00:06 UTC")).ToHaveCountAsync(1);
    }

    [Test]
    public async Task What_others_wrote_is_text_and_nothing_else()
    {
        const string Hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"&";
        await TellAsync(new OrderConfirmationFailed("40001", Hostile, Noon.AddSeconds(6)));
        var page = await OpenAsync("/orders/40001/track");
        await Expect(page.Locator("dl dd").GetByText(Hostile, new() { Exact = true })).ToBeVisibleAsync();
        await TellAsync(new OrderConfirmationSent("40001", Hostile, Noon.AddSeconds(7)));

        // By the script as well.
        await Expect(page.GetByText("Message-ID of the email")).ToBeVisibleAsync();
        await Expect(page.Locator("dd.mono")).ToHaveTextAsync(Hostile);
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
        await TellAsync(new OrderConfirmationFailed("40001", new string('x', 400), Noon.AddSeconds(6)));
        var page = await OpenAsync("/orders/40001/track", new BrowserNewPageOptions { ViewportSize = new() { Width = 320, Height = 640 } });

        Assert.That(await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"), Is.EqualTo(320), "Nothing is wider than the screen.");
    }

    private Task TellAsync<T>(T what)
        where T : class => TheSystem.Api.GetRequiredService<IBus>().Publish(what);
}
