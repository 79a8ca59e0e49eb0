namespace Notifications.Worker.Email;

/// <summary>The port to a mail server.</summary>
public interface IEmailSender
{
    /// <summary>Hands one email over. When the task completes, the mail server has taken responsibility for it.</summary>
    /// <param name="email">The email to send.</param>
    /// <param name="cancellationToken">
    /// Gives the sending up, as long as the mail server cannot have the email. Once its content has begun, only the mail
    /// server's time-outs and a stop of the program that has run out of time end it.
    /// </param>
    /// <returns><c>null</c>; or, where nothing was sent now because it had been before, what is known of that.</returns>
    /// <exception cref="TransientEmailException">Not sent, or not known to be sent; worth trying again.</exception>
    /// <exception cref="PermanentEmailException">Refused for good; trying again would be refused again.</exception>
    Task<SentBefore?> SendAsync(EmailMessage email, CancellationToken cancellationToken);
}

/// <summary>An email that had been sent before.</summary>
/// <param name="MessageId">Its <c>Message-ID</c>.</param>
/// <param name="At">When.</param>
public sealed record SentBefore(string MessageId, DateTimeOffset At);
