using System.Net;
using System.Net.Sockets;
using System.Text;
using Orders.Testing.Mail;

namespace Orders.Bench.UnderTest;

/// <summary>
/// A mail server that takes every email as fast as it can and forgets it but for its <c>Message-ID</c>. It can be told to
/// keep the answer to each email back for a while, and to take no more than an account may send.
/// </summary>
internal sealed class SmtpSink : IDisposable
{
    private static readonly byte[] Greeting = "220 sink.example\r\n"u8.ToArray();
    private static readonly byte[] Hello = "250-sink.example\r\n250 8BITMIME\r\n"u8.ToArray();
    private static readonly byte[] Ok = "250 2.0.0 OK\r\n"u8.ToArray();
    private static readonly byte[] TooMany = Encoding.ASCII.GetBytes($"{RateLimitedAccount.Refusal}\r\n");
    private static readonly byte[] GoAhead = "354 Go ahead\r\n"u8.ToArray();
    private static readonly byte[] Goodbye = "221 2.0.0 Bye\r\n"u8.ToArray();
    private static readonly byte[] EndOfLine = "\r\n"u8.ToArray();
    private static readonly byte[] EndOfContent = "\r\n.\r\n"u8.ToArray();

    /// <summary>In microseconds, until it is seen that the end has come.</summary>
    private const int LongestWait = 100_000;

    private readonly Socket _listener = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly Dictionary<Socket, Conversation> _conversations = [];
    private readonly Thread _thread;
    private readonly Lock _lock = new();
    private readonly HashSet<string> _messageIds = [];
    private readonly List<Conversation> _held = [];
    private Action<string>? _accepted;
    private TaskCompletionSource _reached = new();
    private int _count;
    private int _wanted = int.MaxValue;
    private bool _holds;
    private volatile bool _isDisposed;

    public SmtpSink()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(backlog: 512);
        _thread = new Thread(Converse) { IsBackground = true };
        _thread.Start();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>The account of all who send; <c>null</c> where they may send as much as they can.</summary>
    public RateLimitedAccount? Account { get; set; }

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
    public void Hold()
    {
        lock (_lock)
        {
            _holds = true;
        }
    }

    /// <summary>Answers.</summary>
    public void Release()
    {
        lock (_lock)
        {
            _holds = false;
            foreach (var conversation in _held)
            {
                Take(conversation);
            }

            _held.Clear();
        }
    }

    public void Dispose()
    {
        _isDisposed = true;
        _thread.Join();
        _listener.Dispose();
        foreach (var socket in _conversations.Keys)
        {
            socket.Dispose();
        }
    }

    /// <summary>
    /// All conversations, by one thread: on a busy machine several have something to say whenever it comes to its turn, and a
    /// thread for each would take more of the machine from the programs than all that they are told.
    /// </summary>
    private void Converse()
    {
        var ready = new List<Socket>();
        while (!_isDisposed)
        {
            ready.Clear();
            ready.Add(_listener);
            ready.AddRange(_conversations.Keys);
            Socket.Select(ready, null, null, LongestWait);
            foreach (var socket in ready)
            {
                if (socket == _listener)
                {
                    var accepted = _listener.Accept();
                    accepted.NoDelay = true;
                    _conversations[accepted] = new Conversation(accepted);
                    TrySend(accepted, Greeting);
                }
                else if (!GoesOn(_conversations[socket]))
                {
                    _conversations.Remove(socket);
                    socket.Dispose();
                }
            }
        }
    }

    private bool GoesOn(Conversation conversation) => conversation.TryReceive() && Answer(conversation);

    private bool Answer(Conversation conversation)
    {
        while (conversation.TryRead(out var said))
        {
            if (conversation.IsContent)
            {
                conversation.IsContent = false;
                lock (_lock)
                {
                    conversation.MessageId = MessageIdOf(said);
                    LastContent = said.ToArray();
                    if (_holds)
                    {
                        _held.Add(conversation);
                    }
                    else
                    {
                        Take(conversation);
                    }
                }

                continue;
            }

            var answer = (char)(said[0] & ~0x20) switch
            {
                'E' or 'H' => Hello,
                'D' => GoAhead,
                'Q' => Goodbye,
                'M' when Account?.TryTake() == false => TooMany,
                _ => Ok,
            };
            conversation.IsContent = answer == GoAhead;
            if (!TrySend(conversation.Socket, answer) || answer == Goodbye)
            {
                return false;
            }
        }

        return true;
    }

    private void Take(Conversation conversation)
    {
        _messageIds.Add(conversation.MessageId);
        _accepted?.Invoke(conversation.MessageId);
        var isLast = ++_count == _wanted;
        TrySend(conversation.Socket, Ok);
        if (isLast)
        {
            _reached.SetResult();
        }
    }

    /// <returns><c>false</c> if the sender was ended.</returns>
    private static bool TrySend(Socket socket, byte[] answer)
    {
        try
        {
            socket.Send(answer);
            return true;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    private static string MessageIdOf(ReadOnlySpan<byte> content)
    {
        var header = "\nMessage-ID: "u8;
        var value = content[(content.IndexOf(header) + header.Length)..];
        return Encoding.ASCII.GetString(value[..value.IndexOf((byte)'\r')]);
    }

    /// <summary>What a sender writes, taken apart.</summary>
    private sealed class Conversation(Socket socket)
    {
        private readonly byte[] _buffer = new byte[64 * 1024];
        private int _start;
        private int _end;

        public Socket Socket => socket;

        /// <summary>Whether the sender was told to go ahead with an email's content.</summary>
        public bool IsContent { get; set; }

        /// <summary>The <c>Message-ID</c> of the newest email.</summary>
        public string MessageId { get; set; } = "";

        /// <returns><c>false</c> if the sender closed the connection, or was ended.</returns>
        public bool TryReceive()
        {
            _buffer.AsSpan(_start.._end).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
            try
            {
                var received = socket.Receive(_buffer.AsSpan(_end));
                _end += received;
                return received > 0;
            }
            catch (SocketException)
            {
                return false;
            }
        }

        /// <param name="said">A line, or a whole content, with what ends it; until the next <see cref="TryReceive"/>.</param>
        public bool TryRead(out ReadOnlySpan<byte> said)
        {
            var end = IsContent ? EndOfContent : EndOfLine;
            var found = _buffer.AsSpan(_start, _end - _start).IndexOf(end);
            said = found < 0 ? [] : _buffer.AsSpan(_start, found + end.Length);
            _start += said.Length;
            return found >= 0;
        }
    }
}
