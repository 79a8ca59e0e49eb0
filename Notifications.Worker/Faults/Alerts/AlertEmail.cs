using System.Net;
using Microsoft.Extensions.Options;
using Notifications.Worker.Email;

namespace Notifications.Worker.Faults.Alerts;

/// <summary>Emails <see cref="AlertOptions.To"/>.</summary>
internal sealed class AlertEmail(IEmailSender sender, IOptions<AlertOptions> alerts, IOptions<EmailOptions> email)
{
    /// <param name="id">What makes the <c>Message-ID</c>: the same for every attempt to send this alert.</param>
    /// <param name="subject">One line.</param>
    /// <param name="text">What people should know.</param>
    /// <param name="cancellationToken">As <see cref="IEmailSender.SendAsync"/> has it, like the exceptions.</param>
    public Task SendAsync(string id, string subject, string text, CancellationToken cancellationToken) =>
        sender.SendAsync(
            new EmailMessage(
                $"<{id}@{email.Value.Sender.Host}>",
                alerts.Value.To!,
                subject,
                text,
                $"<pre style=\"font:14px/1.5 ui-monospace,monospace\">{WebUtility.HtmlEncode(text)}</pre>")
            {
                Notification = Notification.Alert,
            },
            cancellationToken);
}
