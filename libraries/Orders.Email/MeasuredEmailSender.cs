namespace Orders.Email;

/// <summary>Counts what becomes of every try to send an email.</summary>
internal sealed class MeasuredEmailSender(IEmailSender sender, EmailMetrics metrics) : IEmailSender
{
    public async Task<SentEmail> SendAsync(EmailMessage email, CancellationToken cancellationToken)
    {
        SentEmail sent;
        try
        {
            sent = await sender.SendAsync(email, cancellationToken);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            metrics.Fail(email, failure);
            throw;
        }

        metrics.Send(email);
        return sent;
    }
}
