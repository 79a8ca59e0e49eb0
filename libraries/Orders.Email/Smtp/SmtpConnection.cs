using System.Buffers;
using System.IO.Pipelines;
using System.Net.Mail;
using System.Net.Sockets;
using System.Text;
using MailKit.Net.Smtp;
using Orders.Email.Refusals;

namespace Orders.Email.Smtp;

/// <summary>
/// A connection to the mail server that carries one email after the other. One user at a time. MailKit has made it;
/// the emails go over its stream, for MailKit takes several times as long to write one.
/// </summary>
/// <param name="client">The client that made the connection.</param>
/// <param name="socket">What its stream is made of.</param>
/// <param name="stream">What the server gets in clear or by TLS, as it was agreed.</param>
/// <param name="mostEmails">How many emails it may carry.</param>
/// <param name="time">Says for how long it has not been used.</param>
internal sealed class SmtpConnection(HandshakeClient client, Socket socket, Stream stream, int mostEmails, TimeProvider time) : IDisposable
{
    // Postfix takes a second longer for every answer after 10 errors, and hangs up after 20 (smtpd_soft_error_limit,
    // smtpd_hard_error_limit). One email makes up to three: MAIL, RCPT and DATA go out together.
    private const int MostErrors = 8;

    // RFC 5321, section 4.5.3.2 has minutes for the answer; nothing depends on this one.
    private static readonly TimeSpan FarewellTimeout = TimeSpan.FromSeconds(2);

    private readonly PipeReader _replies = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true));
    private readonly bool _pipelines = client.Capabilities.HasFlag(SmtpCapabilities.Pipelining);
    private readonly bool _takesSize = client.Capabilities.HasFlag(SmtpCapabilities.Size);
    private long _lastUsed = time.GetTimestamp();
    private int _emails;
    private int _errors;
    private bool _isInOrder = true;

    /// <summary>How many emails it may carry.</summary>
    public int MostEmails => mostEmails;

    /// <summary>Whether an email was tried on it before. The server may have closed such a connection since.</summary>
    public bool IsKept { get; private set; }

    /// <summary>Whether it takes emails to an address that <see cref="EmailAddress.NeedsUnicode"/>.</summary>
    public bool TakesUnicode { get; } = client.Capabilities.HasFlag(SmtpCapabilities.UTF8);

    /// <summary>Where an email can be written before it goes out.</summary>
    public ArrayBufferWriter<byte> Content { get; } = new(16 * 1024);

    /// <summary>Whether the connection is worth another email.</summary>
    public bool IsUsable(TimeSpan idleTimeout) =>
        _isInOrder
        && _emails < mostEmails
        && _errors < MostErrors
        && time.GetElapsedTime(_lastUsed) <= idleTimeout
        // Between emails the server has nothing to say, unless it closes the connection, or says 421 and then closes it.
        && socket.Connected
        && !socket.Poll(0, SelectMode.SelectRead);

    /// <summary>Tells the server from whom to whom, until it asks for the <see cref="Content"/>.</summary>
    /// <exception cref="SmtpRefusalException">It refuses.</exception>
    /// <exception cref="IOException">The connection is lost.</exception>
    /// <exception cref="InvalidDataException">The server says something else.</exception>
    public async Task BeginAsync(MailAddress from, MailAddress to, CancellationToken cancellationToken)
    {
        _isInOrder = false;
        var size = _takesSize ? $" SIZE={Content.WrittenCount}" : "";
        // RFC 6531, section 3.4. The header field To is not ASCII either.
        var unicode = EmailAddress.NeedsUnicode(to) ? " BODY=8BITMIME SMTPUTF8" : "";
        (SmtpStage Stage, string Command)[] commands =
        [
            (SmtpStage.Sender, $"MAIL FROM:<{from.Address}>{size}{unicode}\r\n"),
            (SmtpStage.Recipient, $"RCPT TO:<{to.Address}>\r\n"),
            (SmtpStage.Data, "DATA\r\n"),
        ];
        if (!_pipelines)
        {
            foreach (var (stage, command) in commands)
            {
                await WriteAsync(command, cancellationToken);
                Expect(stage, await SmtpReply.ReadAsync(_replies, cancellationToken));
            }

            return;
        }

        await WriteAsync(string.Concat(commands.Select(each => each.Command)), cancellationToken);
        SmtpRefusalException? refusal = null;
        try
        {
            foreach (var (stage, _) in commands)
            {
                var reply = await SmtpReply.ReadAsync(_replies, cancellationToken);
                if (refusal is not null && stage == SmtpStage.Data && reply.Code == 354)
                {
                    // RFC 2920, section 3.1: it would take everything for content now.
                    await WriteAsync(".\r\n", cancellationToken);
                    await SmtpReply.ReadAsync(_replies, cancellationToken);
                    _errors++;
                }

                var further = FindRefusal(stage, reply);
                refusal ??= further;
            }
        }
        catch (Exception exception) when (refusal is not null && exception is IOException or InvalidDataException)
        {
            // A server that refuses may hang up before it has answered the rest.
        }

        if (refusal is not null)
        {
            throw refusal;
        }
    }

    /// <summary>Hands the <see cref="Content"/> over, which the server has asked for.</summary>
    /// <returns>By which words it took it.</returns>
    /// <inheritdoc cref="BeginAsync" path="/exception"/>
    public async Task<SmtpReply> SendContentAsync(CancellationToken cancellationToken)
    {
        Content.Write(".\r\n"u8);
        await stream.WriteAsync(Content.WrittenMemory, cancellationToken);
        var reply = await SmtpReply.ReadAsync(_replies, cancellationToken);
        Expect(SmtpStage.Content, reply);
        _emails++;
        _errors = 0;
        Keep();
        return reply;
    }

    /// <summary>Makes the connection fit for another email after the server has refused one, unless it is about to close it.</summary>
    public async Task ResetAsync(SmtpRefusalException refusal, CancellationToken cancellationToken)
    {
        // RFC 5321, section 3.8.
        if (refusal.Reply.Code != 421 && _errors < MostErrors)
        {
            await WriteAsync("RSET\r\n", cancellationToken);
            if ((await SmtpReply.ReadAsync(_replies, cancellationToken)).Code == 250)
            {
                Keep();
            }
        }
    }

    /// <summary>As <see cref="CloseAsync"/>; nobody waits for the server.</summary>
    public void Dispose() => _ = CloseAsync();

    /// <summary>Says QUIT where the server waits for a command, and closes.</summary>
    /// <returns>Completes when the server has closed its side, until when it may count the connection, or has not in time.</returns>
    public async Task CloseAsync()
    {
        using (client)
        {
            if (_isInOrder)
            {
                using var farewell = new CancellationTokenSource(FarewellTimeout);
                try
                {
                    await WriteAsync("QUIT\r\n", farewell.Token);
                    while (await _replies.ReadAsync(farewell.Token) is { IsCompleted: false } read)
                    {
                        _replies.AdvanceTo(read.Buffer.End);
                    }
                }
                catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
                {
                    // It is gone.
                }
            }
        }

        await _replies.CompleteAsync();
    }

    private SmtpRefusalException? FindRefusal(SmtpStage stage, SmtpReply reply)
    {
        // RFC 5321, section 4.2.1: the first digit says it.
        if (stage == SmtpStage.Data ? reply.Code == 354 : reply.Code is >= 200 and < 300)
        {
            return null;
        }

        _errors++;
        return new SmtpRefusalException(stage, reply);
    }

    private void Expect(SmtpStage stage, SmtpReply reply)
    {
        if (FindRefusal(stage, reply) is { } refusal)
        {
            throw refusal;
        }
    }

    private void Keep()
    {
        IsKept = true;
        _isInOrder = true;
        _lastUsed = time.GetTimestamp();
    }

    private ValueTask WriteAsync(string command, CancellationToken cancellationToken) =>
        stream.WriteAsync(Encoding.UTF8.GetBytes(command), cancellationToken);
}
