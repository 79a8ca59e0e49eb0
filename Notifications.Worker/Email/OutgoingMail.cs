using System.Net.Mail;
using System.Net.Mime;
using System.Text;
using Notifications.Worker.Telemetry;

namespace Notifications.Worker.Email;

/// <summary>
/// An <see cref="EmailMessage"/> as it goes out: <c>multipart/alternative</c>, text first and HTML second
/// (RFC 2046, section 5.1.4: the richest last). <c>Date</c> is added when it is sent.
/// </summary>
internal sealed class OutgoingMail : MailMessage
{
    /// <summary>The header field that names the trace to which the email belongs, in 32 hexadecimal digits.</summary>
    public const string TraceHeader = "X-Trace-Id";

    private static readonly HashSet<string> Written = new(StringComparer.OrdinalIgnoreCase)
    {
        "From", "To", "Cc", "Bcc", "Sender", "Reply-To", "Subject", "Date", "Message-ID", "Auto-Submitted", TraceHeader,
        "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
    };

    /// <param name="email">The email.</param>
    /// <param name="from">The sender.</param>
    /// <param name="to">The recipient.</param>
    /// <param name="idempotencyHeader">The header field for <see cref="EmailMessage.IdempotencyKey"/>, where there is one.</param>
    /// <param name="onContent">
    /// Called when the content is asked for. As long as it isn't, the end of the email can't have been sent, so no mail
    /// server can have taken it.
    /// </param>
    public OutgoingMail(EmailMessage email, MailAddress from, MailAddress to, string? idempotencyHeader = null, Action? onContent = null)
        : base(from, to)
    {
        Subject = OneLine(email.Subject);
        SubjectEncoding = Encoding.UTF8;
        HeadersEncoding = Encoding.UTF8;
        Headers.Add("Message-ID", OneLine(email.MessageId));
        Headers.Add("Auto-Submitted", "auto-generated");
        if (Activities.CurrentTraceId is { } traceId)
        {
            Headers.Add(TraceHeader, traceId);
        }

        if (!string.IsNullOrEmpty(idempotencyHeader) && email.IdempotencyKey is { } key)
        {
            Headers.Add(idempotencyHeader, OneLine(key));
        }

        AlternateViews.Add(View(new ContentStream(email.Text, onContent), MediaTypeNames.Text.Plain));
        AlternateViews.Add(View(new ContentStream(email.Html), MediaTypeNames.Text.Html));
    }

    /// <summary>Whether a header field, by its name, is one of ours, or would change to whom the email goes.</summary>
    internal static bool Writes(string name) => Written.Contains(name);

    /// <summary>A header field's value without what could end its line.</summary>
    internal static string OneLine(string value) => string.Concat(value.Where(c => !char.IsControl(c)));

    private static AlternateView View(ContentStream content, string mediaType) =>
        new(content, new ContentType(mediaType) { CharSet = "utf-8" }) { TransferEncoding = content.TransferEncoding };

    private sealed class ContentStream : MemoryStream
    {
        // RFC 5322, section 2.1.1: characters in a line, without its CRLF.
        private const int LongestLine = 998;

        private Action? _onBegin;

        public ContentStream(string content, Action? onBegin = null)
            : this(Encoding.UTF8.GetBytes(content.ReplaceLineEndings("\r\n"))) => _onBegin = onBegin;

        private ContentStream(byte[] bytes)
            : base(bytes, writable: false)
        {
            // Not quoted-printable: System.Net.Mail writes the line breaks of a text as =0D=0A, which RFC 2045,
            // section 6.7 (4), forbids.
            TransferEncoding = Ascii.IsValid(bytes) && HasShortLines(bytes) ? TransferEncoding.SevenBit : TransferEncoding.Base64;
        }

        public TransferEncoding TransferEncoding { get; }

        public override int Read(byte[] buffer, int offset, int count)
        {
            Begin();
            return base.Read(buffer, offset, count);
        }

        public override int Read(Span<byte> buffer)
        {
            Begin();
            return base.Read(buffer);
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        {
            Begin();
            return base.ReadAsync(buffer, offset, count, cancellationToken);
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Begin();
            return base.ReadAsync(buffer, cancellationToken);
        }

        private void Begin() => Interlocked.Exchange(ref _onBegin, null)?.Invoke();

        private static bool HasShortLines(ReadOnlySpan<byte> text)
        {
            foreach (var line in text.Split("\r\n"u8))
            {
                if (line.End.Value - line.Start.Value > LongestLine)
                {
                    return false;
                }
            }

            return true;
        }
    }
}
