using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Net.Mail;
using System.Text;
using Microsoft.Extensions.Options;
using Orders.Email.Dkim;
using Orders.ServiceDefaults.Telemetry;

namespace Orders.Email;

/// <summary>
/// Writes an <see cref="EmailMessage"/> as it goes out (RFC 5322): <c>multipart/alternative</c>, text first and HTML second
/// (RFC 2046, section 5.1.4: the richest last), in ASCII and in lines of at most 998 characters, so that every server takes it.
/// The recipient's address alone may be in UTF-8 (RFC 6532).
/// </summary>
internal sealed class EmailWriter(IOptions<EmailOptions> options, DkimSignature signature, TimeProvider time)
{
    /// <summary>The header field that names the trace to which the email belongs, in 32 hexadecimal digits.</summary>
    public const string TraceHeader = "X-Trace-Id";

    // RFC 5322, section 2.1.1: characters in a line, without its CRLF, that there may be and that there should be.
    private const int LongestLine = 998;
    private const int GoodLine = 78;

    // RFC 2045, section 6.8: 76 characters in a line.
    private const int BytesInBase64Line = 57;

    // RFC 2047, section 2: 75 characters in an encoded word, of which these are not content.
    private const int BytesInEncodedWord = (75 - 12) / 4 * 3;

    private static readonly HashSet<string> Written = new(StringComparer.OrdinalIgnoreCase)
    {
        "From", "To", "Cc", "Bcc", "Sender", "Reply-To", "Subject", "Date", "Message-ID", "Auto-Submitted", TraceHeader,
        "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "DKIM-Signature",
    };

    private readonly string? _idempotencyHeader = options.Value.IdempotencyHeader;

    /// <summary>Who every email is from.</summary>
    public MailAddress Sender { get; } = options.Value.Sender;

    /// <summary>Whether a header field, by its name, is one of ours, or would change to whom the email goes.</summary>
    public static bool Writes(string name) => Written.Contains(name);

    /// <summary>Writes an email.</summary>
    /// <param name="email">The email.</param>
    /// <param name="to">Its recipient, as it was validated.</param>
    /// <param name="output">Gets the email, which ends with a line end.</param>
    /// <param name="dotStuffed">Whether a dot at the beginning of a line is doubled (RFC 5321, section 4.5.2).</param>
    public void Write(EmailMessage email, MailAddress to, IBufferWriter<byte> output, bool dotStuffed = false)
    {
        if (!signature.IsOn)
        {
            WriteUnsigned(email, to, output, dotStuffed);
            return;
        }

        // A signature is over what the recipient gets, without the doubled dots.
        var unsigned = new ArrayBufferWriter<byte>(8 * 1024);
        WriteUnsigned(email, to, unsigned, dotStuffed: false);
        output.Write(signature.Sign(unsigned.WrittenMemory));
        Copy(unsigned.WrittenSpan, output, dotStuffed);
    }

    private static void Copy(ReadOnlySpan<byte> email, IBufferWriter<byte> output, bool dotStuffed)
    {
        while (dotStuffed && email.IndexOf("\n."u8) is >= 0 and var end)
        {
            output.Write(email[..(end + 2)]);
            output.Write("."u8);
            email = email[(end + 2)..];
        }

        output.Write(email);
    }

    private void WriteUnsigned(EmailMessage email, MailAddress to, IBufferWriter<byte> output, bool dotStuffed)
    {
        var boundary = $"=_{Guid.NewGuid():N}";
        WriteHeader(output, "Date", time.GetUtcNow().ToString("ddd, dd MMM yyyy HH':'mm':'ss '+0000'", CultureInfo.InvariantCulture));
        WriteLine(output, $"From: {(Sender.DisplayName.Length == 0 ? Sender.Address : $"{Phrase(Sender.DisplayName)} <{Sender.Address}>")}");
        WriteLine(output, $"To: {to.Address}");
        WriteHeader(output, "Message-ID", email.MessageId);
        WriteSubject(output, email.Subject);
        WriteHeader(output, "Auto-Submitted", "auto-generated");
        if (Activities.CurrentTraceId is { } traceId)
        {
            WriteHeader(output, TraceHeader, traceId);
        }

        if (!string.IsNullOrEmpty(_idempotencyHeader) && email.IdempotencyKey is { } key)
        {
            WriteHeader(output, _idempotencyHeader, key);
        }

        WriteHeader(output, "MIME-Version", "1.0");
        WriteLine(output, $"Content-Type: multipart/alternative; boundary=\"{boundary}\"");
        WritePart(output, boundary, "text/plain", email.Text, dotStuffed);
        WritePart(output, boundary, "text/html", email.Html, dotStuffed);
        WriteLine(output, $"\r\n--{boundary}--");
    }

    /// <summary>Writes a field that programs read. RFC 2047, section 5, allows no encoded words there; only what cannot be written otherwise becomes one.</summary>
    private static void WriteHeader(IBufferWriter<byte> output, string name, string value)
    {
        var line = OneLine(value);
        WriteLine(output, $"{name}: {(Ascii.IsValid(line) && name.Length + 2 + line.Length <= LongestLine ? line : EncodedWords(line))}");
    }

    private static void WriteSubject(IBufferWriter<byte> output, string value)
    {
        const string Name = "Subject";
        var line = OneLine(value);
        WriteLine(output, $"{Name}: {(IsPlain(line) && Name.Length + 2 + line.Length <= GoodLine ? line : EncodedWords(line))}");
    }

    /// <summary>What ends a line would begin another header field.</summary>
    private static string OneLine(string value) => value.Any(char.IsControl) ? string.Concat(value.Where(c => !char.IsControl(c))) : value;

    private static bool IsPlain(string text) => Ascii.IsValid(text) && !text.Contains("=?", StringComparison.Ordinal);

    /// <summary>A display name: as it is where it consists of atoms, else quoted or encoded (RFC 5322, section 3.2.5).</summary>
    private static string Phrase(string name) =>
        !IsPlain(name) || name.Length > GoodLine / 2 ? EncodedWords(name)
        : name.All(c => char.IsAsciiLetterOrDigit(c) || c == ' ') ? name
        : $"\"{name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    /// <summary>Any text as encoded words (RFC 2047), each on a line of its own.</summary>
    private static string EncodedWords(string text)
    {
        var words = new List<string>();
        var word = new List<byte>(BytesInEncodedWord);
        Span<byte> rune = stackalloc byte[4];
        foreach (var each in text.EnumerateRunes())
        {
            var length = each.EncodeToUtf8(rune);
            if (word.Count + length > BytesInEncodedWord)
            {
                End();
            }

            word.AddRange(rune[..length]);
        }

        End();
        return string.Join("\r\n ", words);

        void End()
        {
            words.Add($"=?utf-8?B?{Convert.ToBase64String([.. word])}?=");
            word.Clear();
        }
    }

    private static void WritePart(IBufferWriter<byte> output, string boundary, string mediaType, string content, bool dotStuffed)
    {
        var isPlain = IsPlainContent(content);
        WriteLine(output, $"\r\n--{boundary}\r\nContent-Type: {mediaType}; charset=utf-8\r\nContent-Transfer-Encoding: {(isPlain ? "7bit" : "base64")}\r\n");
        if (isPlain)
        {
            foreach (var line in content.AsSpan().EnumerateLines())
            {
                if (dotStuffed && line.StartsWith('.'))
                {
                    output.Write("."u8);
                }

                WriteLine(output, line);
            }
        }
        else
        {
            WriteBase64(output, Encoding.UTF8.GetBytes(content.ReplaceLineEndings("\r\n")));
        }
    }

    private static bool IsPlainContent(string content)
    {
        if (!Ascii.IsValid(content) || content.Contains('\0', StringComparison.Ordinal))
        {
            return false;
        }

        foreach (var line in content.AsSpan().EnumerateLines())
        {
            if (line.Length > LongestLine)
            {
                return false;
            }
        }

        return true;
    }

    private static void WriteBase64(IBufferWriter<byte> output, ReadOnlySpan<byte> content)
    {
        while (!content.IsEmpty)
        {
            var line = content[..Math.Min(BytesInBase64Line, content.Length)];
            Base64.EncodeToUtf8(line, output.GetSpan(Base64.GetMaxEncodedToUtf8Length(line.Length)), out _, out var written);
            output.Advance(written);
            output.Write("\r\n"u8);
            content = content[line.Length..];
        }
    }

    private static void WriteLine(IBufferWriter<byte> output, ReadOnlySpan<char> line)
    {
        Encoding.UTF8.GetBytes(line, output);
        output.Write("\r\n"u8);
    }
}
