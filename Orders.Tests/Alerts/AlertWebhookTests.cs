using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Notifications.Worker.Alerts;
using Notifications.Worker.Alerts.Webhooks;
using StandardWebhooks;

namespace Orders.Tests.Alerts;

/// <summary>What a web address is told, and what is made of its answers.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class AlertWebhookTests : IAsyncDisposable
{
    private static readonly Alert Hostile = new("parked-1", "Not confirmed: order 1", "Why:   550 <!channel> & [gone](http://evil.example)\nWhen:  now");

    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false });
    private WebhookReceiver _receiver = null!;

    [SetUp]
    public async Task StartAsync() => _receiver = await WebhookReceiver.StartAsync();

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (_receiver is not null)
        {
            await _receiver.DisposeAsync();
        }
    }

    [Test]
    public async Task Slack_gets_one_text_in_which_nothing_is_a_command()
    {
        await SendAsync(Hostile, new() { Url = _receiver.Url });

        var received = _receiver.Received.Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((received.Method, received.Path, received.ContentType), Is.EqualTo(("POST", $"/services/{WebhookReceiver.SecretPath}", "application/json; charset=utf-8")));
            Assert.That(
                JsonSerializer.Deserialize<Dictionary<string, string>>(received.Body),
                Is.EqualTo(new Dictionary<string, string>
                {
                    ["text"] = "Not confirmed: order 1\nWhy:   550 &lt;!channel&gt; &amp; [gone](http://evil.example)\nWhen:  now",
                }));
            Assert.That(received.Headers.ContainsKey("webhook-signature"), Is.False);
        }
    }

    [Test]
    public async Task Teams_gets_a_card_of_text_that_is_not_read_as_Markdown()
    {
        await SendAsync(Hostile, new() { Url = _receiver.Url, Format = WebhookFormat.Teams });

        using var json = JsonDocument.Parse(_receiver.Received.Single().Body);
        var attachment = json.RootElement.GetProperty("attachments").EnumerateArray().Single();
        var card = attachment.GetProperty("content");
        var lines = card.GetProperty("body").EnumerateArray().ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(json.RootElement.GetProperty("type").GetString(), Is.EqualTo("message"));
            Assert.That(attachment.GetProperty("contentType").GetString(), Is.EqualTo("application/vnd.microsoft.card.adaptive"));
            Assert.That(card.GetProperty("type").GetString(), Is.EqualTo("AdaptiveCard"));
            Assert.That(lines.Select(line => line.GetProperty("type").GetString()), Is.All.EqualTo("RichTextBlock"));
            Assert.That(
                lines.Select(line => line.GetProperty("inlines").EnumerateArray().Single().GetProperty("text").GetString()),
                Is.EqualTo(["Not confirmed: order 1", "Why:   550 <!channel> & [gone](http://evil.example)", "When:  now"]));
        }
    }

    [TestCase("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    [TestCase("correct horse battery staple")]
    public async Task A_secret_signs_the_request_as_the_library_of_the_standard_expects_it(string secret)
    {
        await SendAsync(Hostile, new() { Url = _receiver.Url, Secret = secret });

        var received = _receiver.Received.Single();
        var headers = new HeaderDictionary(received.Headers.ToDictionary(header => header.Key, header => new StringValues(header.Value)));
        var verifier = secret.StartsWith("whsec_", StringComparison.Ordinal) ? new StandardWebhook(secret) : new StandardWebhook(Encoding.UTF8.GetBytes(secret));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => verifier.Verify(received.Body, headers), Throws.Nothing);
            Assert.That(() => verifier.Verify($"{received.Body} ", headers), Throws.Exception);
            Assert.That(() => new StandardWebhook(new byte[24]).Verify(received.Body, headers), Throws.Exception);
            Assert.That(received.Id, Is.EqualTo(Hostile.Id));
        }
    }

    [TestCase(HttpStatusCode.InternalServerError)]
    [TestCase(HttpStatusCode.ServiceUnavailable)]
    [TestCase(HttpStatusCode.TooManyRequests)]
    [TestCase(HttpStatusCode.RequestTimeout)]
    public void An_answer_that_says_later_is_worth_another_try(HttpStatusCode status)
    {
        _receiver.Answer = _ => status;

        Assert.That(
            () => SendAsync(Hostile, new() { Url = _receiver.Url }),
            Throws.TypeOf<WebhookUnavailableException>().With.Message.EqualTo($"The webhook answered {(int)status}."));
    }

    [TestCase(HttpStatusCode.BadRequest)]
    [TestCase(HttpStatusCode.NotFound)]
    [TestCase(HttpStatusCode.Gone)]
    [TestCase(HttpStatusCode.Redirect)]
    public void An_answer_that_says_never_is_final_and_no_redirection_is_followed(HttpStatusCode status)
    {
        _receiver.Answer = _ => status;

        Assert.That(
            () => SendAsync(Hostile, new() { Url = _receiver.Url }),
            Throws.TypeOf<WebhookRefusedException>().With.Message.EqualTo($"The webhook answered {(int)status}."));
        Assert.That(_receiver.Received, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task No_answer_is_worth_another_try_and_says_nothing_of_the_address()
    {
        var url = _receiver.Url;
        await _receiver.DisposeAsync();

        Assert.That(
            () => SendAsync(Hostile, new() { Url = url }),
            Throws.TypeOf<WebhookUnavailableException>().With.Message.EqualTo("The webhook does not answer: ConnectionError.").And.InnerException.Null);
    }

    [Test]
    public void An_answer_that_takes_too_long_is_not_waited_for()
    {
        var forever = new TaskCompletionSource();
        _receiver.Delay = forever.Task;
        _http.Timeout = TimeSpan.FromMilliseconds(50);

        Assert.That(() => SendAsync(Hostile, new() { Url = _receiver.Url }), Throws.TypeOf<WebhookUnavailableException>());
        forever.SetResult();
    }

    private Task SendAsync(Alert alert, WebhookOptions webhook) =>
        new AlertWebhook(_http, Options.Create(new AlertOptions { Webhook = webhook }), TimeProvider.System).SendAsync(alert, CancellationToken.None);
}
