using Microsoft.Extensions.Options;

namespace Orders.Email.Check;

/// <summary>The steps of the check, from the configuration to the test email.</summary>
internal sealed class MailCheck(IOptions<EmailOptions> options, IServiceProvider services, CheckReport report)
{
    private readonly EmailOptions _options = options.Value;

    /// <summary>Goes through the steps.</summary>
    /// <param name="to">Who gets a test email; <c>null</c> for none.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    public async Task RunAsync(string? to, CancellationToken cancellationToken)
    {
        ReportConfiguration();
        if (_options.Delivery == EmailDelivery.Smtp)
        {
            await ActivatorUtilities.CreateInstance<ServerCheck>(services).RunAsync(cancellationToken);
        }

        if (_options.Delivery == EmailDelivery.Smtp || _options.Dkim.IsSet)
        {
            await ActivatorUtilities.CreateInstance<DnsCheck>(services).RunAsync(cancellationToken);
        }

        if (to is not null && !report.HasFailed)
        {
            await ActivatorUtilities.CreateInstance<TestEmail>(services).SendAsync(to, cancellationToken);
        }
    }

    private void ReportConfiguration()
    {
        const string Step = "configuration";
        if (_options.Delivery == EmailDelivery.Smtp)
        {
            report.Ok(Step, $"Emails go to the mail server {_options.Smtp.Host}:{_options.Smtp.Port}, from {_options.Sender}.");
        }
        else
        {
            report.Ok(
                Step,
                $"Emails become files in {Path.GetFullPath(_options.PickupDirectory)}; no mail server is used. "
                + "To send them, set Email__Delivery=Smtp, Email__Smtp__Host and Email__From.");
            if (!string.IsNullOrWhiteSpace(_options.Smtp.Host))
            {
                report.Warn(Step, $"Email__Smtp__Host is set, but nothing is sent to {_options.Smtp.Host} without Email__Delivery=Smtp.");
            }
        }

        if (_options.IsRedirected)
        {
            report.Warn(Step, "Email__RedirectAllTo is set: no email reaches its recipient. Remove it where customers are to get emails.");
        }

#if FLUENT_EMAIL
        report.Warn(Step, "This program sends by FluentEmail, which knows less of TLS and logins than this check.");
#endif
    }
}
