using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace Orders.Email.Smtp;

/// <summary>What a mail server answers (RFC 5321, section 4.2).</summary>
/// <param name="Code">Three digits.</param>
/// <param name="Text">The rest of all its lines, in one.</param>
internal readonly record struct SmtpReply(int Code, string Text)
{
    // Ten times what RFC 5321, section 4.5.3.1.5, allows for a line.
    private const int LongestReply = 5_120;

    /// <summary>Reads the next reply.</summary>
    /// <exception cref="IOException">The connection is lost.</exception>
    /// <exception cref="InvalidDataException">The server says something else.</exception>
    public static async ValueTask<SmtpReply> ReadAsync(PipeReader reader, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await reader.ReadAsync(cancellationToken);
            var rest = read.Buffer;
            if (TryParse(ref rest, out var reply))
            {
                reader.AdvanceTo(rest.Start);
                return reply;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted)
            {
                throw new IOException("the server closed the connection.");
            }

            if (read.Buffer.Length > LongestReply)
            {
                throw new InvalidDataException("its reply has no end.");
            }
        }
    }

    private static bool TryParse(ref ReadOnlySequence<byte> input, out SmtpReply reply)
    {
        var reader = new SequenceReader<byte>(input);
        var text = "";
        while (reader.TryReadTo(out ReadOnlySequence<byte> bytes, (byte)'\n'))
        {
            var line = Encoding.UTF8.GetString(bytes).TrimEnd('\r');
            if (line.Length < 3 || !int.TryParse(line.AsSpan(0, 3), out var code) || code < 100 || (line.Length > 3 && line[3] is not (' ' or '-')))
            {
                throw new InvalidDataException($"what it says is no reply: {line}");
            }

            var words = line.Length > 4 ? line[4..] : "";
            text = text.Length == 0 ? words : $"{text} {words}";
            if (line.Length == 3 || line[3] == ' ')
            {
                input = input.Slice(reader.Position);
                reply = new SmtpReply(code, text);
                return true;
            }
        }

        reply = default;
        return false;
    }
}

/// <summary>The server's answer to a command is no consent.</summary>
/// <param name="stage">What it was asked for.</param>
/// <param name="reply">What it said.</param>
internal sealed class SmtpRefusalException(Refusals.SmtpStage stage, SmtpReply reply) : Exception($"{reply.Code} {reply.Text}")
{
    public Refusals.SmtpStage Stage => stage;

    public SmtpReply Reply => reply;
}
