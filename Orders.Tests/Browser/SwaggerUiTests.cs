using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Orders.Api.Publishing;

namespace Orders.Tests.Browser;

/// <summary>What a newcomer does first: starts the API with no broker and no mail server, and places an order in a browser.</summary>
[Broker]
public sealed partial class SwaggerUiTests
{
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan DeliveryTime = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _mail = Directory.CreateTempSubdirectory("orders-mail-");
    private readonly Cleanup _cleanup = new();
    private Chromium _chromium = null!;
    private string _address = "";

    [OneTimeSetUp]
    public async Task StartTheProgramAndTheBrowser()
    {
        _cleanup.Add(() =>
        {
            _mail.Delete(recursive: true);
            return Task.CompletedTask;
        });
        _chromium = _cleanup.Add(await Chromium.StartAsync());
        _address = $"http://127.0.0.1:{Ports.Free(1)[0].ToString(CultureInfo.InvariantCulture)}";
        _cleanup.Add(await Server.StartAsync(
            "dotnet",
            [typeof(MessagePublisher).Assembly.Location],
            line => line.Contains($"{_address}/swagger", StringComparison.Ordinal),
            StartTime,
            new Dictionary<string, string>
            {
                ["ASPNETCORE_URLS"] = _address,
                ["Documentation__SwaggerUI"] = "true",
                ["Email__PickupDirectory"] = _mail.FullName,
            }));
    }

    [OneTimeTearDown]
    public Task EndThem() => _cleanup.RunAsync();

    [Test]
    public async Task The_example_order_is_placed_with_two_buttons_and_confirmed_by_email()
    {
        var page = await _chromium.OpenAsync();
        var requested = new List<string>();
        var errors = new List<string>();
        page.Request += (_, request) => requested.Add(request.Url);
        page.PageError += (_, error) => errors.Add(error);
        page.Console += (_, line) =>
        {
            if (line.Type == "error")
            {
                errors.Add(line.Text);
            }
        };

        try
        {
            await page.GotoAsync(_address);
            Assert.That(page.Url, Does.StartWith($"{_address}/swagger"));

            var operation = page.Locator(".opblock-post", new PageLocatorOptions { HasText = "Place an order" });
            await operation.Locator(".opblock-summary-control").ClickAsync();
            await operation.GetByRole(AriaRole.Button, new() { Name = "Try it out" }).ClickAsync();

            var example = await operation.Locator("textarea").InputValueAsync();
            Assert.That(
                JsonNode.DeepEquals(
                    JsonNode.Parse(example),
                    JsonNode.Parse("""{"orderId":"12345","email":"customer@example.com","product":"Laptop"}""")),
                example);

            await operation.GetByRole(AriaRole.Button, new() { Name = "Execute" }).ClickAsync();
            var answer = operation.Locator(".live-responses-table .response");
            await Assertions.Expect(answer.Locator(".response-col_status")).ToHaveTextAsync(StartsWith202());
            await Assertions.Expect(answer).ToContainTextAsync("Order placed successfully!");

            var mail = await ReadMailAsync();
            Assert.Multiple(() =>
            {
                Assert.That(mail.Header("To"), Is.EqualTo("customer@example.com"));
                Assert.That(mail.Subject, Does.Contain("12345"));
                Assert.That(mail.Html, Does.Contain("12345").And.Contain("Laptop"));
                Assert.That(requested, Is.Not.Empty.And.All.Matches<string>(IsOurs), "The page asked for something elsewhere.");
                Assert.That(errors, Is.Empty);
            });
        }
        catch
        {
            var picture = Path.Combine(TestContext.CurrentContext.WorkDirectory, "swagger-ui.png");
            await page.ScreenshotAsync(new PageScreenshotOptions { Path = picture, FullPage = true });
            TestContext.AddTestAttachment(picture);
            throw;
        }
    }

    private bool IsOurs(string? url) =>
        url is not null && (url.StartsWith($"{_address}/", StringComparison.Ordinal) || url.StartsWith("data:", StringComparison.Ordinal));

    private async Task<ReceivedMail> ReadMailAsync()
    {
        var files = await Eventually.GetAsync(
            "an .eml file in the pickup directory",
            _ => Task.FromResult(_mail.GetFiles("*.eml")),
            files => files.Length > 0,
            DeliveryTime);
        return ReceivedMail.Parse(await File.ReadAllTextAsync(files.Single().FullName, Encoding.Latin1));
    }

    [GeneratedRegex(@"^\s*202\b")]
    private static partial Regex StartsWith202();
}
