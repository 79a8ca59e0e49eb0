namespace Notifications.Worker.Email.Smtp;

/// <summary>Sends each email when there is a connection to the mail server for it.</summary>
internal sealed class PooledEmailSender(IEmailSender sender, SmtpConnectionPool pool) : IEmailSender
{
    /// <inheritdoc/>
    public async Task<SentEmail> SendAsync(EmailMessage email, CancellationToken cancellationToken)
    {
        using var connection = await pool.ReserveAsync(cancellationToken);
        return await sender.SendAsync(email, cancellationToken);
    }
}
