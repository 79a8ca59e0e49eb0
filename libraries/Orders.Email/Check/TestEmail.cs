using Microsoft.Extensions.Options;

namespace Orders.Email.Check;

/// <summary>The test email, which goes the way of every other one.</summary>
internal sealed class TestEmail(IEmailSender sender, IOptions<EmailOptions> options, CheckReport report)
{
    private const string Step = "email";

    private readonly EmailOptions _options = options.Value;

    /// <summary>Sends it, and tells the server's answer.</summary>
    public async Task SendAsync(string to, CancellationToken cancellationToken)
    {
        var email = new EmailMessage(
            $"<check-mail-{Guid.NewGuid():N}@{_options.Sender.Host}>",
            to,
            "Test of the mail settings",
            "This email was sent by check-mail. Emails of the shop can arrive here.",
            "<p>This email was sent by check-mail. Emails of the shop can arrive here.</p>")
        {
            Notification = "test",
        };
        try
        {
            var sent = await sender.SendAsync(email, cancellationToken);
            report.Ok(Step, (_options.IsRedirected ? "To the address of Email__RedirectAllTo: " : "") + Describe(sent));
        }
        catch (EmailException failure)
        {
            report.Fail(Step, $"{failure.Message}{(failure.Message.EndsWith('.') ? "" : ".")} {Advice(failure)}");
        }
    }

    private string Describe(SentEmail sent) =>
        sent.Reply is { } reply ? $"The mail server took the test email with {reply.Code}: {TextSanitizer.OneLine(reply.Text)}"
        : _options.Delivery == EmailDelivery.Smtp ? "The mail server took the test email."
        : "The test email is in the pickup directory.";

    private static string Advice(EmailException failure) => failure switch
    {
        PermanentEmailException => "Try another address: the server refuses this one or this email.",
        MailServerRefusedUsException => "The server must allow Email__From to who logs in, and relaying to other domains.",
        MailServerPutsUsOffException => "Set Email__MaxPerSecond to what the server allows, and try again later.",
        _ => "Try again later.",
    };
}
