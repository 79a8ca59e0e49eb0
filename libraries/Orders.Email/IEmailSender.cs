namespace Orders.Email;

/// <summary>The port to a mail server.</summary>
public interface IEmailSender
{
    /// <summary>Hands one email over. When the task completes, the mail server has taken responsibility for it.</summary>
    /// <param name="email">The email to send.</param>
    /// <param name="cancellationToken">
    /// Gives the sending up, as long as the mail server cannot have the email. Once its content has begun, only the mail
    /// server's time-outs and a stop of the program that has run out of time end it.
    /// </param>
    /// <returns>What is known of the email, which is out: sent now or before.</returns>
    /// <exception cref="TransientEmailException">Not sent, or not known to be sent; worth trying again.</exception>
    /// <exception cref="PermanentEmailException">Refused for good; trying again would be refused again.</exception>
    Task<SentEmail> SendAsync(EmailMessage email, CancellationToken cancellationToken);
}

/// <summary>An email that is out.</summary>
/// <param name="MessageId">Its <c>Message-ID</c>, which an earlier attempt may have decided.</param>
/// <param name="Before">When it had been sent, where nothing was sent now because of that.</param>
public sealed record SentEmail(string MessageId, DateTimeOffset? Before = null)
{
    /// <summary>By which words a mail server took it, where one did.</summary>
    internal Smtp.SmtpReply? Reply { get; init; }
}
