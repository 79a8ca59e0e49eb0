using System.Collections.Concurrent;
using Orders.Email;

namespace Orders.Testing.Mail;

/// <summary>A mail server that takes every email, or does what its script says.</summary>
/// <param name="script">What happens at a try, counted from 1: nothing, or an exception.</param>
internal sealed class ScriptedEmailSender(Func<int, Exception?>? script = null) : IEmailSender
{
    private readonly ConcurrentQueue<EmailMessage> _attempted = new();
    private readonly ConcurrentQueue<EmailMessage> _sent = new();
    private int _tries;

    /// <summary>What is waited for in the middle of a send.</summary>
    public Func<CancellationToken, Task> DuringSend { get; init; } = _ => Task.CompletedTask;

    public int Tries => _tries;

    public IReadOnlyCollection<EmailMessage> Sent => _sent;

    /// <summary>What it was asked to send.</summary>
    public IReadOnlyCollection<EmailMessage> Attempted => _attempted;

    public async Task<SentEmail> SendAsync(EmailMessage email, CancellationToken cancellationToken)
    {
        var attempt = Interlocked.Increment(ref _tries);
        _attempted.Enqueue(email);
        await DuringSend(cancellationToken);
        if (script?.Invoke(attempt) is { } failure)
        {
            throw failure;
        }

        _sent.Enqueue(email);
        return new SentEmail(email.MessageId);
    }
}
