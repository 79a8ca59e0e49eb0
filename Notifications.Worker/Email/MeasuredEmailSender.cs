namespace Notifications.Worker.Email;

/// <summary>Counts what becomes of every try to send an email.</summary>
internal sealed class MeasuredEmailSender(IEmailSender sender, EmailMetrics metrics) : IEmailSender
{
    public async Task SendAsync(EmailMessage email, CancellationToken cancellationToken)
    {
        try
        {
            await sender.SendAsync(email, cancellationToken);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            metrics.Fail(email, failure);
            throw;
        }

        metrics.Send(email);
    }
}
