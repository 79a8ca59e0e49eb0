using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Orders.Bench.UnderTest;

/// <summary>
/// A mail server that takes every email as fast as it can and forgets it but for its <c>Message-ID</c>. It can be told to
/// keep the answer to each email back for a while.
/// </summary>
internal sealed class SmtpSink : IAsyncDisposable
{
    private static readonly byte[] Greeting = "220 sink.example\r\n"u8.ToArray();
    private static readonly byte[] Hello = "250-sink.example\r\n250 8BITMIME\r\n"u8.ToArray();
    private static readonly byte[] Ok = "250 2.0.0 OK\r\n"u8.ToArray();
    private static readonly byte[] GoAhead = "354 Go ahead\r\n"u8.ToArray();
    private static readonly byte[] Goodbye = "221 2.0.0 Bye\r\n"u8.ToArray();
    private static readonly byte[] EndOfLine = "\r\n"u8.ToArray();
    private static readonly byte[] EndOfContent = "\r\n.\r\n"u8.ToArray();

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _lock = new();
    private readonly HashSet<string> _messageIds = [];
    private readonly Task _accepting;
    private Action<string>? _accepted;
    private TaskCompletionSource _released = new();
    private TaskCompletionSource _reached = new();
    private int _count;
    private int _wanted = int.MaxValue;

    public SmtpSink()
    {
        _released.SetResult();
        _listener.Start(backlog: 512);
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How many emails were taken since the last <see cref="Expect"/>.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _count;
            }
        }
    }

    /// <summary>How many different emails there are among them.</summary>
    public int Distinct
    {
        get
        {
            lock (_lock)
            {
                return _messageIds.Count;
            }
        }
    }

    /// <summary>The content of the newest email, with what ends it.</summary>
    public byte[] LastContent { get; private set; } = [];

    /// <summary>Forgets what was taken so far and completes when so many emails are taken from now on.</summary>
    /// <param name="emails">How many.</param>
    /// <param name="accepted">Is told the <c>Message-ID</c> of each, just before its sender is.</param>
    public Task Expect(int emails, Action<string>? accepted = null)
    {
        lock (_lock)
        {
            _count = 0;
            _messageIds.Clear();
            _wanted = emails;
            _accepted = accepted;
            _reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _reached.Task;
        }
    }

    /// <summary>Keeps back the answer to every email until <see cref="Release"/>.</summary>
    public void Hold() => _released = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Answers.</summary>
    public void Release() => _released.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            var socket = await _listener.AcceptSocketAsync(_end.Token);
            socket.NoDelay = true;
            _ = ConverseAsync(socket);
        }
    }

    private async Task ConverseAsync(Socket socket)
    {
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            var input = PipeReader.Create(stream);
            await stream.WriteAsync(Greeting, _end.Token);
            while (await ReadAsync(input, EndOfLine) is { } line)
            {
                var answer = (char)(line[0] & ~0x20) switch
                {
                    'E' or 'H' => Hello,
                    'D' => GoAhead,
                    'Q' => Goodbye,
                    _ => Ok,
                };
                await stream.WriteAsync(answer, _end.Token);
                if (answer == Goodbye)
                {
                    return;
                }

                if (answer == GoAhead)
                {
                    if (await ReadAsync(input, EndOfContent) is not { } content)
                    {
                        return;
                    }

                    await _released.Task;
                    Take(content);
                    await stream.WriteAsync(Ok, _end.Token);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The sender was ended, or we are.
        }
    }

    /// <returns>What came up to a delimiter and with it; <c>null</c> where the connection ended instead.</returns>
    private async Task<byte[]?> ReadAsync(PipeReader input, byte[] delimiter)
    {
        while (true)
        {
            var result = await input.ReadAsync(_end.Token);
            var reader = new SequenceReader<byte>(result.Buffer);
            if (reader.TryReadTo(out ReadOnlySequence<byte> _, delimiter, advancePastDelimiter: true))
            {
                var found = result.Buffer.Slice(0, reader.Position).ToArray();
                input.AdvanceTo(reader.Position);
                return found;
            }

            if (result.IsCompleted)
            {
                return null;
            }

            input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    private void Take(byte[] content)
    {
        var messageId = MessageIdOf(content);
        lock (_lock)
        {
            LastContent = content;
            _messageIds.Add(messageId);
            _accepted?.Invoke(messageId);
            if (++_count == _wanted)
            {
                _reached.SetResult();
            }
        }
    }

    private static string MessageIdOf(ReadOnlySpan<byte> content)
    {
        var header = "\nMessage-ID: "u8;
        var value = content[(content.IndexOf(header) + header.Length)..];
        return Encoding.ASCII.GetString(value[..value.IndexOf((byte)'\r')]);
    }
}
