using System.ComponentModel.DataAnnotations;
using Notifications.Worker.Alerts.Webhooks;
using Orders.Email;

namespace Notifications.Worker.Alerts;

/// <summary>Section <c>Alerts</c>: who is told when a message is parked, the mail server is down, or somebody tries passwords.</summary>
public sealed class AlertOptions : IValidatableObject
{
    public const string Section = "Alerts";

    /// <summary>The address that gets an email for each of them; left out, nobody does.</summary>
    public string? To { get; set; }

    /// <summary>The web address that gets the same, and hears at once that the mail server is down.</summary>
    public WebhookOptions Webhook { get; set; } = new();

    /// <summary>The queues in which alerts wait for those who are to be told.</summary>
    internal IEnumerable<string> Queues =>
    [
        .. string.IsNullOrEmpty(To) ? [] : new[] { EmailAlertConsumerDefinition.Queue, OutageAlertConsumerDefinition.Queue },
        .. Webhook.IsWanted ? new[] { WebhookAlertConsumerDefinition.Queue } : [],
    ];

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!string.IsNullOrEmpty(To) && !EmailAddress.TryParse(To, out _))
        {
            yield return new ValidationResult("Alerts__To must be one email address without a display name.");
        }

        foreach (var mistake in Webhook.FindMistakes())
        {
            yield return new ValidationResult(mistake);
        }
    }
}
