namespace Notifications.Worker.Alerts.Webhooks;

/// <summary>Settings <c>Alerts:Webhook</c>: the web address that is told what people should know.</summary>
public sealed class WebhookOptions
{
    /// <summary>The address. Those of Slack and Teams let whoever knows them write there: a secret. Left out, there is none.</summary>
    public string? Url { get; set; }

    /// <summary>A file that holds the address.</summary>
    public string? UrlFile { get; set; }

    /// <summary>What the address takes.</summary>
    public WebhookFormat Format { get; set; } = WebhookFormat.Slack;

    /// <summary>
    /// The key of the signature that each request then has; <c>whsec_</c> and the key in base64, or any other text. Left
    /// out, requests are not signed.
    /// </summary>
    public string? Secret { get; set; }

    /// <summary>A file that holds the secret.</summary>
    public string? SecretFile { get; set; }

    /// <summary>Whether there is an address to tell, wherever it stands.</summary>
    internal bool IsWanted => !string.IsNullOrEmpty(Url) || !string.IsNullOrEmpty(UrlFile);

    /// <summary>What is wrong, in one line for each mistake.</summary>
    internal IEnumerable<string> FindMistakes()
    {
        if (!string.IsNullOrEmpty(Url) && !(Uri.TryCreate(Url, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"))
        {
            // Without the address itself, which is a secret.
            yield return "Alerts__Webhook__Url must be an address that begins with https:// or http://.";
        }

        if (WebhookSignature.FindMistake(Secret) is { } mistake)
        {
            yield return $"Alerts__Webhook__Secret {mistake}";
        }
    }
}

/// <summary>What a web address takes.</summary>
public enum WebhookFormat
{
    /// <summary><c>{"text":"…"}</c>, as incoming webhooks of Slack, Mattermost, Rocket.Chat and others take it.</summary>
    Slack,

    /// <summary>An Adaptive Card, as the Workflows of Microsoft Teams take it.</summary>
    Teams,
}
