using System.Buffers;
using System.Globalization;
using Microsoft.Extensions.Options;

namespace Orders.Email;

/// <summary>
/// Writes each email into a directory as an <c>.eml</c> file (RFC 5322), for people to open or for a mail server
/// to pick up. A file appears under its name only when it is complete. The same email sent twice makes two files.
/// </summary>
internal sealed partial class PickupDirectoryEmailSender : IEmailSender
{
    private readonly Lock _publishing = new();
    private readonly EmailWriter _writer;
    private readonly string _directory;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public PickupDirectoryEmailSender(IOptions<EmailOptions> options, EmailWriter writer, TimeProvider time, ILogger<PickupDirectoryEmailSender> logger)
    {
        _writer = writer;
        _directory = Path.GetFullPath(options.Value.PickupDirectory);
        _time = time;
        _logger = logger;
    }

    public async Task<SentEmail> SendAsync(EmailMessage email, CancellationToken cancellationToken)
    {
        var recipient = EmailAddress.ParseRecipient(email.To);

        var content = new ArrayBufferWriter<byte>();
        _writer.Write(email, recipient, content);

        // Hidden and on the same file system, from which a rename makes it visible at once and whole.
        var unfinished = Path.Combine(_directory, $".unfinished-{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(_directory);
            // It takes no time, and given up half way nobody could tell what became of it.
            await File.WriteAllBytesAsync(unfinished, content.WrittenMemory, CancellationToken.None);
            var path = Publish(unfinished, FileName(email.MessageId));
            Log.Written(_logger, email.MessageId, path);
            return new SentEmail(email.MessageId);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TransientEmailException($"The email could not be written to the pickup directory: {TextSanitizer.OneLine(e.Message)}");
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
        // File.Move looks whether there is such a file before it makes one.
        lock (_publishing)
        {
            var copy = 1;
            string path;
            do
            {
                path = Path.Combine(_directory, copy == 1 ? $"{name}.eml" : $"{name}-{copy}.eml");
                copy++;
            }
            while (File.Exists(path));
            File.Move(unfinished, path, overwrite: false);
            return path;
        }
    }

    private static void TryDelete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It can't be removed: nothing depends on it.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2101, LogLevel.Information, "The email {MessageId} was written to {Path}")]
        public static partial void Written(ILogger logger, string messageId, string path);
    }
}
