using System.Net;
using Microsoft.Extensions.Options;
using Orders.Email;

namespace Notifications.Worker.Alerts;

/// <summary>Emails <see cref="AlertOptions.To"/>.</summary>
internal sealed class AlertEmail(IEmailSender sender, IOptions<AlertOptions> alerts, IOptions<EmailOptions> email)
{
    /// <summary>Sends an alert; its id makes the <c>Message-ID</c>.</summary>
    /// <inheritdoc cref="IEmailSender.SendAsync"/>
    public Task SendAsync(Alert alert, CancellationToken cancellationToken) =>
        sender.SendAsync(
            new EmailMessage(
                $"<{alert.Id}@{email.Value.Sender.Host}>",
                alerts.Value.To!,
                alert.Subject,
                alert.Text,
                $"<pre style=\"font:14px/1.5 ui-monospace,monospace\">{WebUtility.HtmlEncode(alert.Text)}</pre>")
            {
                Notification = "alert",
            },
            cancellationToken);
}
