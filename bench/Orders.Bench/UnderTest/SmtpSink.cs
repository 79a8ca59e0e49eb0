using System.Collections.Concurrent;
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
    private readonly ConcurrentBag<Socket> _sockets = [];
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
        _listener.Dispose();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Release();
        foreach (var socket in _sockets)
        {
            socket.Dispose();
        }
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            var socket = await _listener.AcceptSocketAsync();
            socket.NoDelay = true;
            _sockets.Add(socket);
            // A thread that waits in the system for the next line takes less of the machine from the programs than a
            // pool of them would that is woken for each.
            new Thread(() => Converse(socket)) { IsBackground = true }.Start();
        }
    }

    private void Converse(Socket socket)
    {
        try
        {
            var input = new SmtpInput(socket);
            socket.Send(Greeting);
            while (input.ReadTo(EndOfLine) is [var first, ..])
            {
                var answer = (char)(first & ~0x20) switch
                {
                    'E' or 'H' => Hello,
                    'D' => GoAhead,
                    'Q' => Goodbye,
                    _ => Ok,
                };
                socket.Send(answer);
                if (answer == Goodbye)
                {
                    return;
                }

                if (answer == GoAhead)
                {
                    var content = input.ReadTo(EndOfContent);
                    if (content.IsEmpty)
                    {
                        return;
                    }

                    _released.Task.Wait();
                    Take(content);
                    socket.Send(Ok);
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The sender was ended, or we are.
        }
        finally
        {
            socket.Dispose();
        }
    }

    private void Take(ReadOnlySpan<byte> content)
    {
        var messageId = MessageIdOf(content);
        lock (_lock)
        {
            LastContent = content.ToArray();
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

    /// <summary>What a sender writes, taken apart.</summary>
    private sealed class SmtpInput(Socket socket)
    {
        private readonly byte[] _buffer = new byte[64 * 1024];
        private int _start;
        private int _end;

        /// <returns>What came up to a delimiter and with it, until the next call; nothing where the connection ended instead.</returns>
        public ReadOnlySpan<byte> ReadTo(ReadOnlySpan<byte> delimiter)
        {
            int found;
            while ((found = _buffer.AsSpan(_start, _end - _start).IndexOf(delimiter)) < 0)
            {
                _buffer.AsSpan(_start.._end).CopyTo(_buffer);
                (_start, _end) = (0, _end - _start);
                var received = socket.Receive(_buffer.AsSpan(_end));
                if (received == 0)
                {
                    return [];
                }

                _end += received;
            }

            var piece = _buffer.AsSpan(_start, found + delimiter.Length);
            _start += piece.Length;
            return piece;
        }
    }
}
