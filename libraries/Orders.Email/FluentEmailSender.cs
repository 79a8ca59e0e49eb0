using System.Net;
using System.Net.Mail;
using FluentEmail.Core.Defaults;
using FluentEmail.Core.Models;
using FluentEmail.Smtp;
using Microsoft.Extensions.Options;
using Orders.Email.Refusals;
using Orders.Email.Smtp;
using Orders.ServiceDefaults.Telemetry;

namespace Orders.Email;

/// <summary>
/// Sends each email through FluentEmail, over a connection of its own. Compiled only with <c>-p:EmailLibrary=FluentEmail</c>.
/// </summary>
/// <remarks>
/// It uses the runtime's <see cref="SmtpClient"/>, which knows neither TLS on port 465 nor other logins than <c>AUTH LOGIN</c>, and does not say how far a
/// conversation came.
/// </remarks>
internal sealed class FluentEmailSender(IOptions<EmailOptions> options) : IEmailSender
{
    private readonly EmailOptions _options = options.Value;

    public async Task<SentEmail> SendAsync(EmailMessage email, CancellationToken cancellationToken)
    {
        var recipient = EmailAddress.ParseRecipient(email.To);
        if (EmailAddress.NeedsUnicode(recipient))
        {
            throw new PermanentEmailException("FluentEmail sends no email to an address that is not ASCII.");
        }

        var smtp = _options.Smtp;
        using var client = new SmtpClient(smtp.Host, smtp.Port)
        {
            EnableSsl = smtp.Security == SmtpSecurity.StartTls,
            Credentials = string.IsNullOrEmpty(smtp.Username) ? null : new NetworkCredential(smtp.Username, smtp.Password),
        };
        var fluent = new FluentEmail.Core.Email(new ReplaceRenderer(), new SmtpSender(client), _options.Sender.Address, _options.Sender.DisplayName)
            .Subject(string.Concat(email.Subject.Where(c => !char.IsControl(c))))
            .Body(email.Html.ReplaceLineEndings("\r\n"), isHtml: true)
            .PlaintextAlternativeBody(email.Text.ReplaceLineEndings("\r\n"))
            .Header("Message-ID", email.MessageId)
            .Header("Auto-Submitted", "auto-generated");
        if (Activities.CurrentTraceId is { } traceId)
        {
            fluent.Header(EmailWriter.TraceHeader, traceId);
        }

        if (!string.IsNullOrEmpty(_options.IdempotencyHeader) && email.IdempotencyKey is { } key)
        {
            fluent.Header(_options.IdempotencyHeader, key);
        }

        // Not with To(), which would split an address at a semicolon.
        fluent.Data.ToAddresses.Add(new Address(recipient.Address));
        try
        {
            var response = await fluent.SendAsync(cancellationToken).WaitAsync(smtp.LongestSend, cancellationToken);
            return response.Successful ? new SentEmail(email.MessageId) : throw new TransientEmailException(TextSanitizer.OneLine(string.Join(' ', response.ErrorMessages)));
        }
        catch (SmtpException exception) when (exception.StatusCode != SmtpStatusCode.GeneralFailure)
        {
            throw Sort(new Refusal(SmtpStage.Sender | SmtpStage.Recipient | SmtpStage.Data | SmtpStage.Content, (int)exception.StatusCode, exception.Message).Without(recipient));
        }
        catch (Exception exception) when (exception is SmtpException or TimeoutException)
        {
            throw new MailServerUnavailableException(TextSanitizer.OneLine($"The email could not be handed to the mail server: {(exception.InnerException ?? exception).Message}"), wasLetIn: true)
            {
                IsOutcomeUnknown = true,
            };
        }
    }

    private static EmailException Sort(Refusal refusal)
    {
        var words = TextSanitizer.OneLine($"The mail server refused the email with {refusal.Code}: {refusal.Text}");
        return RefusalTable.Find(refusal) switch
        {
            Blame.Email => new PermanentEmailException(words),
            Blame.EmailForNow => new TransientEmailException(words),
            Blame.Us => new MailServerRefusedUsException(words, wasLetIn: true),
            Blame.Server => new MailServerUnavailableException(words, wasLetIn: true),
            _ => new MailServerPutsUsOffException(words),
        };
    }
}
