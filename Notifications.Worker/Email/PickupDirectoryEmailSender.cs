using System.Globalization;
using System.Net.Mail;
using Microsoft.Extensions.Options;

namespace Notifications.Worker.Email;

/// <summary>
/// Writes each email into a directory as an <c>.eml</c> file (RFC 5322), for people to open or for a mail server
/// to pick up. A file appears under its name only when it is complete. The same email sent twice makes two files.
/// </summary>
internal sealed partial class PickupDirectoryEmailSender : IEmailSender
{
    private readonly MailAddress _sender;
    private readonly string? _idempotencyHeader;
    private readonly string _directory;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public PickupDirectoryEmailSender(IOptions<EmailOptions> options, TimeProvider time, ILogger<PickupDirectoryEmailSender> logger)
    {
        _sender = options.Value.Sender;
        _idempotencyHeader = options.Value.IdempotencyHeader;
        _directory = Path.GetFullPath(options.Value.PickupDirectory);
        _time = time;
        _logger = logger;
    }

    public async Task<SentEmail> SendAsync(EmailMessage email, CancellationToken cancellationToken)
    {
        var recipient = EmailAddress.ParseRecipient(email.To);

        // SmtpClient names the file itself and fills it under that name, so it is given a place of its own,
        // hidden and on the same file system, from which a rename makes it visible at once and whole.
        var unfinished = Path.Combine(_directory, $".unfinished-{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(unfinished);
            using (var client = new SmtpClient { DeliveryMethod = SmtpDeliveryMethod.SpecifiedPickupDirectory, PickupDirectoryLocation = unfinished })
            using (var mail = new OutgoingMail(email, _sender, recipient, _idempotencyHeader))
            {
                // It takes no time, and given up half way nobody could tell what became of it.
                await client.SendMailAsync(mail, CancellationToken.None);
            }

            var path = Publish(Directory.GetFiles(unfinished).Single(), FileName(email.MessageId));
            Log.Written(_logger, email.MessageId, path);
            return new SentEmail(email.MessageId);
        }
        catch (Exception e) when (e is SmtpException or IOException or UnauthorizedAccessException)
        {
            throw new TransientEmailException($"The email could not be written to the pickup directory: {Cause(e)}");
        }
        finally
        {
            TryDelete(unfinished);
        }
    }

    /// <summary>Sorts by time, tells what it is, and is a plain file name whatever the Message-ID.</summary>
    private string FileName(string messageId)
    {
        var time = _time.GetUtcNow().ToString("yyyyMMdd'T'HHmmss.fff'Z'", CultureInfo.InvariantCulture);
        var id = messageId.Trim('<', '>').Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '@' ? c : '_').Take(100);
        return $"{time}-{string.Concat(id)}";
    }

    private string Publish(string unfinished, string name)
    {
        for (var copy = 1; ; copy++)
        {
            var path = Path.Combine(_directory, copy == 1 ? $"{name}.eml" : $"{name}-{copy}.eml");
            try
            {
                File.Move(unfinished, path, overwrite: false);
                return path;
            }
            catch (IOException) when (File.Exists(path))
            {
                // The same email in the same millisecond.
            }
        }
    }

    private static string Cause(Exception e) =>
        ForeignText.OneLine((e is SmtpException && e.InnerException is { } inner ? inner : e).Message);

    private static void TryDelete(string directory)
    {
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It was never made, or can't be removed: nothing depends on it.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2101, LogLevel.Information, "The email {MessageId} was written to {Path}")]
        public static partial void Written(ILogger logger, string messageId, string path);
    }
}
