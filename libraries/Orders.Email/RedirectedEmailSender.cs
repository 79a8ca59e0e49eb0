using Microsoft.Extensions.Options;

namespace Orders.Email;

/// <summary>Sends every email to <see cref="EmailOptions.RedirectAllTo"/> instead of its recipient, whom the subject names.</summary>
internal sealed class RedirectedEmailSender(IEmailSender sender, IOptions<EmailOptions> options) : IEmailSender
{
    private readonly string _address = options.Value.RedirectAllTo!;

    public async Task<SentEmail> SendAsync(EmailMessage email, CancellationToken cancellationToken)
    {
        // What could not be sent to its recipient fails here too.
        var recipient = EmailAddress.ParseRecipient(email.To);
        return await sender.SendAsync(email with { To = _address, Subject = $"[to {recipient.Address}] {email.Subject}" }, cancellationToken);
    }
}

/// <summary>Says at start that no recipient gets an email, where that is so.</summary>
internal sealed partial class RedirectNotice(IOptions<EmailOptions> options, ILogger<RedirectedEmailSender> logger) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Value.IsRedirected)
        {
            Log.Redirected(logger);
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static partial class Log
    {
        [LoggerMessage(2124, LogLevel.Warning, "No email reaches its recipient: all go to the address of Email__RedirectAllTo")]
        public static partial void Redirected(ILogger logger);
    }
}
