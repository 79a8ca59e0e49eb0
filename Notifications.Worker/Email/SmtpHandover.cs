using System.Net.Mail;

namespace Notifications.Worker.Email;

/// <summary>How one email is put through the <see cref="SmtpClient"/> of a connection.</summary>
internal interface ISmtpHandover
{
    /// <summary>Whether <see cref="SmtpAttempt.BeginContent"/> is called when the server asks for the content.</summary>
    bool SeesContent { get; }

    /// <summary>
    /// Makes one attempt, and lets whatever the client throws pass. Who cancels also disposes the connection, so it
    /// is no harm to ignore the token.
    /// </summary>
    /// <param name="connection">A connection that nobody else uses meanwhile.</param>
    /// <param name="email">The email.</param>
    /// <param name="to">Its recipient, as it was validated.</param>
    /// <param name="attempt">Told how far the attempt came.</param>
    /// <param name="cancellationToken">Gives the attempt up.</param>
    Task SendAsync(SmtpConnection connection, EmailMessage email, MailAddress to, SmtpAttempt attempt, CancellationToken cancellationToken);
}

/// <summary>How far an attempt to send came.</summary>
/// <param name="seesContent">As <see cref="ISmtpHandover.SeesContent"/>.</param>
internal sealed class SmtpAttempt(bool seesContent)
{
    /// <summary>
    /// Whether the sending of the email's content was begun, or <c>null</c> where that is not known. As long as it
    /// wasn't, the server can't have taken the email, however the conversation ended.
    /// </summary>
    public bool? ContentWasBegun { get; private set; } = seesContent ? false : null;

    /// <summary>Tells of <see cref="BeginContent"/>.</summary>
    public event Action? ContentBegun;

    /// <summary>Notes that the server asked for the content.</summary>
    public void BeginContent()
    {
        ContentWasBegun = true;
        ContentBegun?.Invoke();
    }
}
