namespace Orders.Email.Smtp;

/// <summary>Sends each email when there is a connection to the mail server for it.</summary>
internal sealed class PooledEmailSender(IEmailSender sender, SmtpConnectionPool pool) : IEmailSender
{
    /// <exception cref="EmailDeferredException">The recipient's domain keeps the connections busy, and the email is to make room for others.</exception>
    /// <inheritdoc/>
    public async Task<SentEmail> SendAsync(EmailMessage email, CancellationToken cancellationToken)
    {
        using var connection = await pool.ReserveAsync(email, cancellationToken);
        return await sender.SendAsync(email, cancellationToken);
    }
}
