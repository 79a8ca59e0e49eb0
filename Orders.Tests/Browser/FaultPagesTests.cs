using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Orders.Tests.Browser;

/// <summary>What an operator does in a browser.</summary>
[Broker]
internal sealed class FaultPagesTests : FaultPagesUnderTest
{
    private const string Error = OrderConfirmationEndpoint.ErrorQueue;
    private const string Parked = OrderConfirmationEndpoint.ParkingQueue;

    [Test]
    public async Task Where_nothing_waits_the_overview_is_glad_of_it()
    {
        await StartAsync();

        var page = await OpenAsync("/faults");

        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("All quiet.");
        await Expect(page).ToHaveTitleAsync("Overview – Faults");
    }

    [Test]
    public async Task The_first_screen_says_how_many_wait_since_when_and_why()
    {
        await StartAsync();
        await FailAsync(transient: 3, permanent: 2, unreadable: 1);

        var page = await OpenAsync("/faults");

        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync("6 messages wait in the error queue, since ");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync("3 kinds of failure");
        var groups = page.Locator(".groups li");
        await Expect(groups).ToHaveCountAsync(3);
        await Expect(groups.Nth(0)).ToContainTextAsync("TransientEmailException");
        await Expect(groups.Nth(0)).ToContainTextAsync("The mail store is full");
        await Expect(groups.Nth(0).GetByTitle("Orders.Email.TransientEmailException")).ToBeVisibleAsync();
        await Expect(groups.Nth(2).GetByRole(AriaRole.Link, new() { Name = "Replay 1 message" })).ToBeInViewportAsync();
        await Expect(page).ToHaveTitleAsync("(6) Overview – Faults");
    }

    [Test]
    public async Task A_fault_is_found_by_a_filter_and_read()
    {
        await StartAsync();
        await FailAsync(transient: 2, permanent: 2);
        var page = await OpenAsync("/faults/order-confirmation/error");

        await page.GetByLabel("Text in body or exception").FillAsync("nobody-2");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();
        await Expect(page.GetByText("1 of 4 match")).ToBeVisibleAsync();
        Assert.That(page.Url, Does.EndWith("/faults/order-confirmation/error?text=nobody-2"));
        await page.GetByRole(AriaRole.Link, new() { Name = "wrong-2" }).ClickAsync();

        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync("Order wrong-2");
        await Expect(page.GetByText("trying again cannot help")).ToBeVisibleAsync();
        await Expect(page.GetByLabel("Stack trace").Locator(".ours").First).ToContainTextAsync("Orders.Email");
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Body", Exact = true }).Last).ToContainTextAsync("\"product\": \"Laptop\"");
        await Expect(page.Locator(".headers")).ToContainTextAsync("MT-Fault-Message");
        await Expect(page.Locator(".facts div", new() { HasText = "Trace id" }).Locator("dd")).ToHaveTextAsync(new Regex("^[0-9a-f]{32}$"));
    }

    [Test]
    public async Task One_message_is_replayed_and_the_page_sees_it_go()
    {
        await StartAsync();
        await FailAsync(transient: 1);
        TheSystem.Mail.AsUsual(SmtpStep.Recipient);
        var page = await OpenAsync("/faults/order-confirmation/error");

        await page.GetByRole(AriaRole.Link, new() { Name = "full-1" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Replay…" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Replay 1 message" }).ClickAsync();

        await Expect(page.Locator("[data-state]")).ToHaveTextAsync("done");
        await Expect(page.Locator("[data-count=error]")).ToHaveTextAsync("0");
        Assert.That((await TheSystem.Mail.WaitForMessages(1))[0].Subject, Does.Contain("full-1"));
        await page.GetByRole(AriaRole.Link, new() { Name = "Audit", Exact = true }).ClickAsync();
        await Expect(page.Locator(".log")).ToContainTextAsync("developer replayed 1 message from the error queue of order-confirmation");
    }

    [Test]
    public async Task A_group_is_replayed_with_progress_and_cancelled()
    {
        await StartAsync();
        await FailAsync(transient: 6, permanent: 1);
        TheSystem.Mail.AsUsual(SmtpStep.Recipient);
        var page = await OpenAsync("/faults");

        await page.GetByRole(AriaRole.Link, new() { Name = "Replay 6 messages of TransientEmailException" }).ClickAsync();
        await page.GetByLabel("Messages a second").FillAsync("0.5");
        await page.GetByRole(AriaRole.Button, new() { Name = "Replay 6 messages" }).ClickAsync();
        await Expect(page.Locator("[data-state]")).ToHaveTextAsync("running");
        await Expect(page.Locator("[data-done]")).ToHaveTextAsync(new Regex("^[2-5]$"));
        Assert.That(await page.Locator("progress").EvaluateAsync<double>("bar => bar.value"), Is.InRange(2, 5));
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();

        await Expect(page.Locator("[data-state]")).ToHaveTextAsync("cancelled");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Cancel" })).ToBeHiddenAsync();
        var done = int.Parse(await page.Locator("[data-done]").InnerTextAsync(), CultureInfo.InvariantCulture);
        Assert.That(await CountAsync(Error), Is.EqualTo(6 + 1 - done));
    }

    [Test]
    public async Task Messages_are_parked_for_a_reason_and_replayed_from_parking()
    {
        await StartAsync();
        await FailAsync(transient: 2);
        var page = await OpenAsync("/faults/order-confirmation/error");

        await page.GetByRole(AriaRole.Link, new() { Name = "Park all 2" }).ClickAsync();
        await page.GetByLabel("Reason").FillAsync("   ");
        await page.GetByRole(AriaRole.Button, new() { Name = "Park 2 messages" }).ClickAsync();
        await Expect(page.GetByText("A reason is required")).ToBeVisibleAsync();
        ForgetTrouble("400");
        await page.GetByLabel("Reason").FillAsync("the shop moves");
        await page.GetByRole(AriaRole.Button, new() { Name = "Park 2 messages" }).ClickAsync();
        await Expect(page.Locator("[data-count=parked]")).ToHaveTextAsync("2");
        await GoAsync(page, "/faults/order-confirmation/parked");
        await Expect(page.GetByText("Parked by developer: the shop moves").First).ToBeVisibleAsync();
        TheSystem.Mail.AsUsual(SmtpStep.Recipient);
        await page.GetByRole(AriaRole.Link, new() { Name = "Replay all 2" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Replay 2 messages" }).ClickAsync();

        await TheSystem.Mail.WaitForMessages(2);
        await Expect(page.Locator("[data-count=parked]")).ToHaveTextAsync("0");
    }

    [Test]
    public async Task Ticked_messages_are_parked_and_one_of_them_discarded()
    {
        await StartAsync();
        await FailAsync(transient: 3);
        var page = await OpenAsync("/faults/order-confirmation/error");

        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Park ticked" })).ToBeDisabledAsync();
        await page.GetByLabel("Tick full-1").CheckAsync();
        await page.GetByLabel("Tick full-3").CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Park 2 ticked" }).ClickAsync();
        await page.GetByLabel("Reason").FillAsync("called");
        await page.GetByRole(AriaRole.Button, new() { Name = "Park 2 messages" }).ClickAsync();
        await Expect(page.Locator("[data-count=parked]")).ToHaveTextAsync("2");
        await GoAsync(page, "/faults/order-confirmation/parked?orderId=full-3");
        await page.GetByRole(AriaRole.Link, new() { Name = "Discard these 1" }).ClickAsync();
        await page.GetByLabel("Reason").FillAsync("cancelled by the customer");
        await page.GetByRole(AriaRole.Button, new() { Name = "Discard 1 message" }).ClickAsync();
        await Expect(page.Locator("[data-state]")).ToHaveTextAsync("done");

        var (error, parked) = (await TheSystem.ReadAsync(Error), await TheSystem.ReadAsync(Parked));
        Assert.That(error.Select(fault => fault.OrderId), Is.EqualTo(["full-2"]));
        Assert.That(parked.Select(fault => fault.OrderId), Is.EqualTo(["full-1"]));
    }

    [Test]
    public async Task An_edited_message_is_replayed_and_a_mistake_in_it_loses_nothing()
    {
        await StartAsync(("Faults__AllowEditing", "true"));
        await FailAsync(transient: 1);
        TheSystem.Mail.AsUsual(SmtpStep.Recipient);
        var page = await OpenAsync("/faults/order-confirmation/error");
        await page.GetByRole(AriaRole.Link, new() { Name = "full-1" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Edit…" }).ClickAsync();
        var body = page.GetByLabel("Body");
        var text = await body.InputValueAsync();

        await body.FillAsync(text + "\n}");
        await page.GetByLabel("Reason").FillAsync("another address");
        await page.GetByRole(AriaRole.Button, new() { Name = "Replay the edited message" }).ClickAsync();
        await Expect(page.GetByText("This is not JSON: line ")).ToBeVisibleAsync();
        ForgetTrouble("400");
        await Expect(body).ToHaveValueAsync(text + "\n}");
        await body.FillAsync(text.Replace("customer-1@", "other@", StringComparison.Ordinal));
        await page.GetByRole(AriaRole.Button, new() { Name = "Replay the edited message" }).ClickAsync();

        await Expect(page.GetByText("The edited message was replayed")).ToBeVisibleAsync();
        Assert.That((await TheSystem.Mail.WaitForMessages(1))[0].Recipients, Is.EqualTo(["other@example.com"]));
    }

    [Test]
    public async Task News_come_by_themselves_but_not_under_a_hand()
    {
        await StartAsync();
        await FailAsync(transient: 1);
        var page = await OpenAsync("/faults/order-confirmation/error");
        await page.GetByLabel("Tick full-1").CheckAsync();

        await FailAsync(transient: 0, permanent: 1);
        await Expect(page.Locator("[data-count=error]")).ToHaveTextAsync("2");
        await Expect(page).ToHaveTitleAsync("(2) Error queue of order-confirmation – Faults");
        await Expect(page.GetByLabel("Tick full-1")).ToBeCheckedAsync();
        await Expect(page.Locator("tbody tr")).ToHaveCountAsync(1);
        await page.GetByLabel("Tick full-1").UncheckAsync();
        await page.GetByLabel("Order", new() { Exact = true }).FocusAsync();

        await Expect(page.Locator("tbody tr")).ToHaveCountAsync(2);
    }

    [Test]
    public async Task A_group_is_replayed_by_keyboard_alone()
    {
        await StartAsync();
        await FailAsync(transient: 2, permanent: 1);
        TheSystem.Mail.AsUsual(SmtpStep.Recipient);
        var page = await OpenAsync("/faults");

        await page.Keyboard.PressAsync("Tab");
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Skip to the content" })).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await TabToAsync(page, "Replay 2 messages of TransientEmailException…");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Replay 2 messages?");
        await TabToAsync(page, "Replay 2 messages");
        await page.Keyboard.PressAsync("Enter");

        await Expect(page.Locator("[data-state]")).ToHaveTextAsync("done");
        await TheSystem.Mail.WaitForMessages(2);
    }

    [Test]
    public async Task Without_script_everything_goes_by_links_and_forms()
    {
        await StartAsync();
        await FailAsync(transient: 2, permanent: 1);
        TheSystem.Mail.AsUsual(SmtpStep.Recipient);
        var page = await OpenAsync("/faults", new() { JavaScriptEnabled = false });
        await Expect(page.Locator("h1 time")).ToContainTextAsync(" UTC (");

        await page.GetByRole(AriaRole.Link, new() { Name = "Replay 2 messages of TransientEmailException" }).ClickAsync();
        await page.GetByLabel("Messages a second").FillAsync("1");
        await page.GetByRole(AriaRole.Button, new() { Name = "Replay 2 messages" }).ClickAsync();

        await Expect(page.Locator("[data-state]")).ToHaveTextAsync("done", new() { Timeout = 15_000 });
        await TheSystem.Mail.WaitForMessages(2);
    }

    [Test]
    public async Task A_phone_shows_every_page_without_scrolling_sideways()
    {
        await StartAsync(("Faults__AllowEditing", "true"));
        await FailAsync(transient: 1, unreadable: 1);
        var page = await OpenAsync("/faults", new() { ViewportSize = new() { Width = 360, Height = 740 } });
        await GoAsync(page, "/faults/order-confirmation/error");
        var faults = await page.Locator("td.order a").EvaluateAllAsync<string[]>("links => links.map(link => link.getAttribute('href'))");

        foreach (var path in (string[])["/faults", "/faults/order-confirmation/error", "/faults/order-confirmation/parked", "/faults/order-confirmation/error/replay", "/faults/audit", .. faults, $"{faults[0]}/edit"])
        {
            await GoAsync(page, path);
            Assert.That(await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"), Is.LessThanOrEqualTo(360), path);
        }
    }

    private static async Task TabToAsync(IPage page, string name)
    {
        for (var i = 0; i < 40; i++)
        {
            await page.Keyboard.PressAsync("Tab");
            if (await page.EvaluateAsync<string>("() => document.activeElement.ariaLabel ?? document.activeElement.textContent") == name)
            {
                return;
            }
        }

        Assert.Fail($"No number of tabs leads to '{name}'.");
    }
}
