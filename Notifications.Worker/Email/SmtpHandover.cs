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
    private Stage _stage;

    private enum Stage
    {
        BeforeContent,
        Content,
        GivenUp,
    }

    /// <summary>
    /// Whether the sending of the email's content was begun, or <c>null</c> where that is not known. As long as it
    /// wasn't, the server can't have taken the email, however the conversation ended.
    /// </summary>
    public bool? ContentWasBegun => _stage == Stage.Content ? true : seesContent ? false : null;

    /// <summary>Whether <see cref="TryGiveUp"/> has given it up.</summary>
    public bool IsGivenUp => _stage == Stage.GivenUp;

    /// <summary>Tells of <see cref="BeginContent"/>.</summary>
    public event Action? ContentBegun;

    /// <summary>Gives the attempt up, unless the content was begun or may have been: then the server may have taken the email.</summary>
    /// <returns>Whether it is given up; its content will not be begun then.</returns>
    public bool TryGiveUp() => seesContent && Interlocked.CompareExchange(ref _stage, Stage.GivenUp, Stage.BeforeContent) == Stage.BeforeContent;

    /// <summary>Notes that the server asked for the content.</summary>
    /// <exception cref="OperationCanceledException">The attempt was given up.</exception>
    public void BeginContent()
    {
        if (Interlocked.CompareExchange(ref _stage, Stage.Content, Stage.BeforeContent) == Stage.GivenUp)
        {
            throw new OperationCanceledException();
        }

        ContentBegun?.Invoke();
    }
}
