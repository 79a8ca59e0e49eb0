using System.Net;
using System.Text;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Orders.FaultQueues;
using Orders.FaultQueues.Queues;
using static Microsoft.Playwright.Assertions;

namespace Orders.Tests.Browser;

/// <summary>What the pages must not let happen, and what they say where there is nothing to show.</summary>
[Broker]
internal sealed class FaultPagesSafetyTests : FaultPagesUnderTest
{
    private const string Markup = "\"'></textarea></title></pre><script>alert(1)</script><img src=x onerror=alert(2)>";

    private static readonly (string Name, string? Value)[] Users =
    [
        ("Faults__Users__0__Name", "anna"), ("Faults__Users__0__Password", "a-secret"), ("Faults__Users__0__Role", "Operator"),
        ("Faults__Users__1__Name", "rita"), ("Faults__Users__1__Password", "another"), ("Faults__Users__1__Role", "Reader"),
    ];

    [Test]
    public async Task A_message_that_is_markup_all_over_is_shown_as_text_on_every_page()
    {
        var queue = new ScriptedFaultTransport(_ => { });
        queue.Add(new FaultMessage(
            Encoding.UTF8.GetBytes($$"""{"orderId":{{Json(Markup)}},"email":{{Json(Markup)}},"product":{{Json(Markup)}}}"""),
            $"text/{Markup}",
            new Dictionary<string, object?>
            {
                [MessageHeaders.FaultMessage] = Markup,
                [MessageHeaders.FaultExceptionType] = $"Evil.{Markup}",
                [MessageHeaders.FaultStackTrace] = $"   at Evil.{Markup}()\n{Markup}",
                [MessageHeaders.FaultTimestamp] = DateTimeOffset.UtcNow.ToString("O"),
                [FaultHeaders.ParkedReason] = Markup,
                [Markup] = Markup,
            },
            Markup));
        TheSystem = await OrderSystem.ServeAsync(
            "Development",
            services => services.AddSingleton<IFaultTransport>(queue),
            [.. FaultsStay, ("Faults__AllowEditing", "true"), ("Faults__Users__0__Name", Markup), ("Faults__Users__0__Password", "p"), ("Faults__Users__0__Role", "Operator")]);
        var page = await OpenAsync("/faults", new() { HttpCredentials = new() { Username = Markup, Password = "p" } });
        await Expect(page.Locator(".groups").First).ToContainTextAsync(Markup);

        await GoAsync(page, $"/faults/order-confirmation/error?text={Uri.EscapeDataString(Markup[..20])}&from={Uri.EscapeDataString(Markup)}&group={Uri.EscapeDataString(Markup)}");
        await Expect(page.GetByLabel("Failed from")).ToHaveValueAsync(Markup);
        ForgetTrouble("400");
        await GoAsync(page, "/faults/order-confirmation/parked");
        await Expect(page.Locator("tbody")).ToContainTextAsync(Markup);
        await GoAsync(page, "/faults/order-confirmation/error");
        var fault = await page.Locator("td.order a").GetAttributeAsync("href");
        await GoAsync(page, fault!);
        await Expect(page.Locator(".headers dt", new() { HasText = Markup })).ToBeVisibleAsync();
        await GoAsync(page, $"{fault}/edit");
        Assert.That(await page.GetByLabel("Body").InputValueAsync(), Does.Contain("<script>alert(1)</script>"));
        await GoAsync(page, $"/faults/order-confirmation/error/park?text={Uri.EscapeDataString("alert(1)")}");
        await page.GetByLabel("Reason").FillAsync(Markup);
        await page.GetByRole(AriaRole.Button, new() { Name = "Park 1 message" }).ClickAsync();
        await Expect(page.Locator("[data-state]")).ToHaveTextAsync("done");
        await Expect(page.Locator(".facts")).ToContainTextAsync(Markup);
        await GoAsync(page, "/faults/audit");
        await Expect(page.Locator(".log .reason")).ToContainTextAsync(Markup);
        await GoAsync(page, $"/faults/audit?operation={Uri.EscapeDataString(Markup)}&orderId={Uri.EscapeDataString(Markup)}");
        await Expect(page.GetByLabel("Operation")).ToHaveValueAsync(Markup);
        await GoAsync(page, "/faults");

        Assert.That(await page.Locator("img:not([src^='/faults/assets/']), script:not([src^='/faults/assets/'])").CountAsync(), Is.Zero);
    }

    [Test]
    public async Task A_reader_sees_everything_and_no_button_that_acts()
    {
        await StartAsync([.. Users, ("Faults__AllowEditing", "true")]);
        await FailAsync(transient: 2, permanent: 1);

        var page = await OpenAsync("/faults", new() { HttpCredentials = new() { Username = "rita", Password = "another" } });
        await Expect(page.Locator(".groups li")).ToHaveCountAsync(2);
        await AssertNoActsAsync(page);
        await GoAsync(page, "/faults/order-confirmation/error");
        await Expect(page.Locator("tbody tr")).ToHaveCountAsync(3);
        await AssertNoActsAsync(page);
        await page.GetByRole(AriaRole.Link, new() { Name = "full-1" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync("Order full-1");
        await AssertNoActsAsync(page);
    }

    [Test]
    public async Task A_reader_who_acts_all_the_same_is_refused()
    {
        await StartAsync(Users);
        await FailAsync(transient: 1);
        using var reader = Client("rita:another");

        using var confirm = await reader.GetAsync(At("/faults/order-confirmation/error/replay"));
        using var replay = await PostAsync(reader, "/faults/order-confirmation/error/replay", ("atMost", "1"));
        using var cancel = await PostAsync(reader, "/faults/operations/12345678/cancel");
        using var list = await reader.GetAsync(At("/faults/order-confirmation/error"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(confirm.StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
            Assert.That(replay.StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
            Assert.That(cancel.StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
            Assert.That(list.StatusCode, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(await CountAsync(OrderConfirmationEndpoint.ErrorQueue), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task Pages_let_nothing_run_that_is_not_theirs_and_are_not_kept()
    {
        await StartAsync();
        using var http = Client();

        using var page = await http.GetAsync(At("/faults"));
        var html = await page.Content.ReadAsStringAsync();
        var css = html.Split('"').Single(part => part.EndsWith("/faults.css", StringComparison.Ordinal));
        using var asset = await http.GetAsync(At(css));
        using var unknown = await http.GetAsync(At("/faults/assets/0000/faults.css"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(page.Headers.GetValues("Content-Security-Policy").Single(), Does.StartWith("default-src 'none'; style-src 'self'; script-src 'self'"));
            Assert.That(page.Headers.GetValues("X-Content-Type-Options").Single(), Is.EqualTo("nosniff"));
            Assert.That(page.Headers.GetValues("Referrer-Policy").Single(), Is.EqualTo("same-origin"));
            Assert.That(page.Headers.CacheControl!.NoStore);
            Assert.That(page.Content.Headers.ContentType!.ToString(), Is.EqualTo("text/html; charset=utf-8"));
            Assert.That(page.Headers.Contains("Set-Cookie"), Is.False);
            Assert.That(html, Does.Not.Contain("style=").And.Not.Contain("onclick"));
            Assert.That(asset.Content.Headers.ContentType!.MediaType, Is.EqualTo("text/css"));
            Assert.That(asset.Headers.CacheControl!.ToString(), Does.Contain("max-age=31536000"));
            Assert.That(unknown.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        }
    }

    [TestCase("/faults/order-confirmation/error?from=yesterday", HttpStatusCode.BadRequest, "This is no time")]
    [TestCase("/faults/order-confirmation/error?minReplays=-1", HttpStatusCode.BadRequest, "This must be a whole number")]
    [TestCase("/faults/order-confirmation/error?minReplays=3&maxReplays=2", HttpStatusCode.BadRequest, "This must not be less than the least")]
    [TestCase("/faults/order-confirmation/error?from=2026-11-21&to=2026-11-20", HttpStatusCode.BadRequest, "This must be later than the beginning")]
    [TestCase("/faults/order-confirmation/error/replay?from=yesterday", HttpStatusCode.BadRequest, "The filter has a mistake")]
    [TestCase("/faults/order-confirmation/error/park?ticked=on", HttpStatusCode.BadRequest, "No message is ticked")]
    [TestCase("/faults/order-confirmation/error/discard", HttpStatusCode.BadRequest, "Only parked messages can be discarded")]
    [TestCase("/faults/order-confirmation/error/replay?orderId=nobody-has-it", HttpStatusCode.OK, "No message matches any more")]
    [TestCase("/faults/order-confirmation/error/0123456789abcdef0123", HttpStatusCode.NotFound, "It was replayed, parked or discarded meanwhile")]
    [TestCase("/faults/order-confirmation/error/0123456789abcdef0123/edit", HttpStatusCode.NotFound, "Editing is switched off")]
    [TestCase("/faults/operations/12345678", HttpStatusCode.NotFound, "on record in the audit")]
    [TestCase("/faults/order-confirmation/error?page=7", HttpStatusCode.OK, "The error queue is empty")]
    [TestCase("/faults/order-confirmation/parked?page=nonsense", HttpStatusCode.OK, "Nothing is parked")]
    public async Task What_is_asked_for_wrongly_or_too_late_is_answered_with_a_page(string path, HttpStatusCode status, string text)
    {
        await StartAsync();
        using var http = Client();

        using var answer = await http.GetAsync(At(path));

        Assert.That(answer.StatusCode, Is.EqualTo(status));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain(text).And.Contain("</html>"));
    }

    [Test]
    public async Task A_form_that_holds_too_much_is_refused_in_words()
    {
        await StartAsync();
        using var http = Client();

        using var answer = await PostAsync(http, "/faults/order-confirmation/error/park", ("reason", new string('x', 5 * 1024 * 1024)));

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.RequestEntityTooLarge));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("The body is too large."));
    }

    [Test]
    public async Task Nothing_is_touched_without_the_count_of_a_dry_run_or_that_came_in_since()
    {
        await StartAsync();
        await FailAsync(transient: 1);
        await FailAsync(transient: 0, permanent: 2);
        using var http = Client();

        using var without = await PostAsync(http, "/faults/order-confirmation/error/park", ("reason", "why not"));
        using var badRate = await PostAsync(http, "/faults/order-confirmation/error/park", ("reason", "why not"), ("atMost", "1"), ("rate", "fast"));
        using var of1 = await PostAsync(http, "/faults/order-confirmation/error/park", ("reason", "why not"), ("atMost", "1"), ("rate", ""));
        await WaitForCountAsync(OrderConfirmationEndpoint.ParkingQueue, 1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(without.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(await badRate.Content.ReadAsStringAsync(), Does.Contain("The rate must be between"));
            Assert.That(of1.StatusCode, Is.EqualTo(HttpStatusCode.SeeOther));
            Assert.That(of1.Headers.Location!.ToString(), Does.Match("^/faults/operations/[0-9a-f]{8}$"));
            Assert.That((await TheSystem.ReadAsync(OrderConfirmationEndpoint.ParkingQueue)).Single().OrderId, Is.EqualTo("full-1"));
        }
    }

    private static async Task AssertNoActsAsync(IPage page)
    {
        await Expect(page.Locator("form[method=post], a[href*='/replay'], a[href*='/park?'], a[href$='/park'], a[href*='/discard'], a[href$='/edit'], [name=id]"))
            .ToHaveCountAsync(0);
        await Expect(page.GetByText("Replay…")).ToHaveCountAsync(0);
    }

    private static string Json(string text) => System.Text.Json.JsonSerializer.Serialize(text);

    private static HttpClient Client(string? credentials = null)
    {
        var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        client.DefaultRequestHeaders.Authorization = credentials is null ? null : Basic.Header(credentials);
        return client;
    }

    private static Task<HttpResponseMessage> PostAsync(HttpClient client, Uri address, (string Name, string Value)[] fields) =>
        client.PostAsync(address, new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value))));

    private Task<HttpResponseMessage> PostAsync(HttpClient client, string path, params (string Name, string Value)[] fields) =>
        PostAsync(client, At(path), fields);

    private Uri At(string path) => new(TheSystem.Http.BaseAddress!, path);
}
