using System.ComponentModel.DataAnnotations;
using Notifications.Worker.Email;

namespace Notifications.Worker.Faults.Alerts;

/// <summary>Section <c>Alerts</c>: who is told when a message is parked.</summary>
public sealed class AlertOptions : IValidatableObject
{
    public const string Section = "Alerts";

    /// <summary>The address that gets an email for each parked message; left out, only the log tells.</summary>
    public string? To { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!string.IsNullOrEmpty(To) && !EmailAddress.TryParse(To, out _))
        {
            yield return new ValidationResult("Alerts__To must be one email address without a display name.");
        }
    }
}
