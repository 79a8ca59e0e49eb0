using System.Globalization;
using System.Net;
using System.Net.Mime;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Orders.Messaging.Failures;

namespace Notifications.Worker.Alerts.Webhooks;

/// <summary>Tells <see cref="WebhookOptions.Url"/>.</summary>
internal sealed class AlertWebhook(HttpClient http, IOptions<AlertOptions> alerts, TimeProvider clock)
{
    /// <summary>How long an answer may take.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Sends an alert once.</summary>
    /// <exception cref="WebhookRefusedException">The address does not take this alert, and will not take it later.</exception>
    /// <exception cref="WebhookUnavailableException">There was no answer, or one that says to try again later.</exception>
    public async Task SendAsync(Alert alert, CancellationToken cancellationToken)
    {
        using var request = MakeRequest(alert);
        HttpStatusCode status;
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            status = response.StatusCode;
        }
        catch (HttpRequestException exception)
        {
            // Names the host at most. The rest of the address is a secret.
            throw new WebhookUnavailableException($"The webhook does not answer: {exception.HttpRequestError}.");
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new WebhookUnavailableException($"The webhook has not answered for {Patience.TotalSeconds} s.");
        }

        if ((int)status is >= 200 and < 300)
        {
            return;
        }

        var answered = string.Create(CultureInfo.InvariantCulture, $"The webhook answered {(int)status}.");
        throw status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests || (int)status >= 500
            ? new WebhookUnavailableException(answered)
            : new WebhookRefusedException(answered);
    }

    private HttpRequestMessage MakeRequest(Alert alert)
    {
        var webhook = alerts.Value.Webhook;
        var body = webhook.Format == WebhookFormat.Teams ? ForTeams(alert) : ForSlack(alert);
        var sentAt = clock.GetUtcNow().ToUnixTimeSeconds();
        var request = new HttpRequestMessage(HttpMethod.Post, webhook.Url)
        {
            Content = new StringContent(body, Encoding.UTF8, MediaTypeNames.Application.Json),
        };
        request.Headers.Add("webhook-id", alert.Id);
        request.Headers.Add("webhook-timestamp", sentAt.ToString(CultureInfo.InvariantCulture));
        if (!string.IsNullOrEmpty(webhook.Secret))
        {
            request.Headers.Add("webhook-signature", WebhookSignature.Sign(webhook.Secret, alert.Id, sentAt, body));
        }

        return request;
    }

    /// <remarks>https://api.slack.com/messaging/webhooks</remarks>
    private static string ForSlack(Alert alert) => JsonSerializer.Serialize(new
    {
        text = Escape($"{alert.Subject}\n{alert.Text}"),
    });

    // Else "<!channel>" in what a mail server answered would call everybody: https://api.slack.com/reference/surfaces/formatting#escaping
    private static string Escape(string text) =>
        text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);

    /// <remarks>
    /// https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using. Text runs,
    /// unlike text blocks, are not read as Markdown.
    /// </remarks>
    private static string ForTeams(Alert alert) => JsonSerializer.Serialize(new
    {
        type = "message",
        attachments = new[]
        {
            new
            {
                contentType = "application/vnd.microsoft.card.adaptive",
                content = new
                {
                    type = "AdaptiveCard",
                    version = "1.4",
                    body = alert.Text.Split('\n').Where(line => line.Length > 0).Select(line => Line(line, "default")).Prepend(Line(alert.Subject, "bolder")),
                },
            },
        },
    });

    private static object Line(string text, string weight) =>
        new { type = "RichTextBlock", inlines = new[] { new { type = "TextRun", text, weight } } };
}

/// <summary>The webhook does not take an alert, and will not take it later.</summary>
public sealed class WebhookRefusedException(string message) : Exception(message), IForeseenFailure
{
    /// <inheritdoc/>
    public FailureKind Kind => FailureKind.Permanent;
}

/// <summary>The webhook may take an alert later.</summary>
public sealed class WebhookUnavailableException(string message) : Exception(message), IForeseenFailure
{
    /// <inheritdoc/>
    public FailureKind Kind => FailureKind.Transient;
}
