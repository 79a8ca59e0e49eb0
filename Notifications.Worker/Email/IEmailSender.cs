namespace Notifications.Worker.Email;

/// <summary>The port to a mail server.</summary>
public interface IEmailSender
{
    /// <summary>Hands one email over. When the task completes, the mail server has taken responsibility for it.</summary>
    /// <param name="email">The email to send.</param>
    /// <param name="cancellationToken">Gives the sending up; the outcome is then unknown, and the caller must treat it as not sent.</param>
    /// <exception cref="TransientEmailException">Not sent, or not known to be sent; worth trying again.</exception>
    /// <exception cref="PermanentEmailException">Refused for good; trying again would be refused again.</exception>
    Task SendAsync(EmailMessage email, CancellationToken cancellationToken);
}
