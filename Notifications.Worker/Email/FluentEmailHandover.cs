using System.Net.Mail;
using FluentEmail.Core.Defaults;
using FluentEmail.Core.Models;
using FluentEmail.Smtp;
using Microsoft.Extensions.Options;
using Notifications.Worker.Telemetry;

namespace Notifications.Worker.Email;

/// <summary>Hands the email to the client through FluentEmail. Compiled only with <c>-p:EmailLibrary=FluentEmail</c>.</summary>
internal sealed class FluentEmailHandover : ISmtpHandover
{
    private readonly MailAddress _sender;
    private readonly string? _idempotencyHeader;

    public FluentEmailHandover(IOptions<EmailOptions> options)
    {
        _sender = options.Value.Sender;
        _idempotencyHeader = options.Value.IdempotencyHeader;

        // The client's asynchronous method blocks a thread of the pool until the server has taken the content. A slow server
        // must not leave the rest of the program without threads, which are added at one or two a second.
        ThreadPool.GetMinThreads(out var workers, out var ports);
        ThreadPool.SetMinThreads(Math.Max(workers, Environment.ProcessorCount + options.Value.Smtp.PoolSize), ports);
    }

    // FluentEmail makes the mail itself.
    public bool SeesContent => false;

    public async Task SendAsync(SmtpConnection connection, EmailMessage email, MailAddress to, SmtpAttempt attempt, CancellationToken cancellationToken)
    {
        var fluent = new FluentEmail.Core.Email(new ReplaceRenderer(), new SmtpSender(connection.Client), _sender.Address, _sender.DisplayName)
            .Subject(OutgoingMail.OneLine(email.Subject))
            .Body(email.Html.ReplaceLineEndings("\r\n"), isHtml: true)
            .PlaintextAlternativeBody(email.Text.ReplaceLineEndings("\r\n"))
            .Header("Message-ID", OutgoingMail.OneLine(email.MessageId))
            .Header("Auto-Submitted", "auto-generated");
        if (Activities.CurrentTraceId is { } traceId)
        {
            fluent.Header(OutgoingMail.TraceHeader, traceId);
        }

        if (!string.IsNullOrEmpty(_idempotencyHeader) && email.IdempotencyKey is { } key)
        {
            fluent.Header(_idempotencyHeader, OutgoingMail.OneLine(key));
        }

        // Not with To(), which would split an address at a semicolon.
        fluent.Data.ToAddresses.Add(new Address(to.Address));

        // It throws what the client throws, but reports a cancellation before that as a result.
        var result = await fluent.SendAsync(cancellationToken);
        if (!result.Successful)
        {
            throw new InvalidOperationException(string.Join(' ', result.ErrorMessages));
        }
    }
}
