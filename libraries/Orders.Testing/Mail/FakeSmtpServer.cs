using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Orders.Testing.Mail;

/// <summary>The points of an SMTP conversation at which a <see cref="FakeSmtpServer"/> can be told to do something else.</summary>
public enum SmtpStep
{
    /// <summary>A connection came in; usually 220.</summary>
    Connect,

    /// <summary>EHLO or HELO, with the client's name; usually 250 with the extensions.</summary>
    Ehlo,

    /// <summary>STARTTLS; usually 220 where a certificate is set, else 502.</summary>
    StartTls,

    /// <summary>A user name and a password or token were given, as <c>name:password</c>; usually 235 for the right ones, else 535.</summary>
    Auth,

    /// <summary>MAIL, with the sender; usually 250, or 530 before authentication where that is required.</summary>
    Mail,

    /// <summary>RCPT, with the recipient; usually 250.</summary>
    Recipient,

    /// <summary>DATA; usually 354.</summary>
    Data,

    /// <summary>The first line after DATA; only <see cref="SmtpReply.Drop"/> and holding make sense.</summary>
    Content,

    /// <summary>The end of the email, with its raw text; usually 250. The email counts as taken only when the reply is 250, or <see cref="SmtpReply.TakeAndDrop"/>.</summary>
    EndOfData,

    /// <summary>QUIT; usually 221, and the end.</summary>
    Quit,
}

/// <summary>What the server does at a step.</summary>
/// <param name="Line">What it says, or <c>null</c> for nothing at all.</param>
/// <param name="ThenClose">Whether it closes the connection after that.</param>
public sealed record SmtpReply(string? Line, bool ThenClose = false)
{
    /// <summary>Whether it only thinks the line: it does what belongs to it, and then closes without a word.</summary>
    public bool IsUnsaid { get; init; }

    /// <summary>Closes the connection without a word.</summary>
    public static SmtpReply Drop { get; } = new(null, ThenClose: true);

    /// <summary>Takes the email and closes the connection without a word.</summary>
    public static SmtpReply TakeAndDrop { get; } = new("250", ThenClose: true) { IsUnsaid = true };

    [return: NotNullIfNotNull(nameof(line))]
    public static implicit operator SmtpReply?(string? line) => line is null ? null : new SmtpReply(line);

    internal bool Is(int code) => Line?.StartsWith($"{code}", StringComparison.Ordinal) == true;
}

/// <summary>
/// A mail server on 127.0.0.1 that keeps what it gets and fails as it is told:
/// <c>server.On(SmtpStep.Recipient, address => address == "nobody@example.com" ? "550 5.1.1 No such user" : null)</c>.
/// </summary>
public sealed class FakeSmtpServer : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<SmtpStep, Func<string, SmtpReply?>> _answers = [];
    private readonly Dictionary<SmtpStep, SmtpHold> _holds = [];
    private readonly List<ReceivedMail> _messages = [];
    private readonly List<SmtpSession> _sessions = [];
    private readonly HashSet<Task> _running = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TcpListener? _listener;

    private FakeSmtpServer()
    {
    }

    public static TimeSpan DefaultTimeout { get; } = TimeSpan.FromSeconds(20);

    public static string Host => "127.0.0.1";

    /// <summary>Chosen by the system at the first start, the same after every restart.</summary>
    public int Port { get; private set; }

    /// <summary>Offers STARTTLS with this certificate, or waits for TLS at once where <see cref="ImplicitTls"/> is set.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Whether it says nothing before TLS is agreed, as on port 465.</summary>
    public bool ImplicitTls { get; init; }

    /// <summary>Whether it asks the client for a certificate as well, and takes any.</summary>
    public bool WantsCertificate { get; set; }

    /// <summary>Requires a login with this user name and password.</summary>
    public (string Username, string Password)? Credentials { get; init; }

    /// <summary>Requires a login of this user, with this access token.</summary>
    public (string Username, string Token)? AccessToken { get; set; }

    /// <summary>
    /// The logins that it offers where it requires one. It knows <c>PLAIN</c>, <c>LOGIN</c>, <c>XOAUTH2</c> and
    /// <c>OAUTHBEARER</c> (RFC 7628).
    /// </summary>
    public string Mechanisms { get; set; } = "PLAIN LOGIN";

    /// <summary>What it offers besides; empty for nothing but what it must.</summary>
    public IReadOnlyList<string> Extensions { get; set; } = ["PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "SMTPUTF8"];

    /// <summary>The emails taken so far, in order.</summary>
    public IReadOnlyList<ReceivedMail> Messages
    {
        get
        {
            lock (_lock)
            {
                return [.. _messages];
            }
        }
    }

    /// <summary>Every connection so far, in order.</summary>
    public IReadOnlyList<SmtpSession> Sessions
    {
        get
        {
            lock (_lock)
            {
                return [.. _sessions];
            }
        }
    }

    public static FakeSmtpServer Start(
        (string Username, string Password)? credentials = null, X509Certificate2? certificate = null, bool implicitTls = false)
    {
        var server = new FakeSmtpServer { Credentials = credentials, Certificate = certificate, ImplicitTls = implicitTls };
        server.Restart();
        return server;
    }

    /// <summary>Starts a server that takes an access token, and offers both logins for one.</summary>
    public static FakeSmtpServer StartForToken(string username, string token)
    {
        var server = new FakeSmtpServer { AccessToken = (username, token), Mechanisms = "PLAIN LOGIN XOAUTH2 OAUTHBEARER" };
        server.Restart();
        return server;
    }

    /// <summary>Says at a step what <paramref name="answer"/> returns for the step's argument, or the usual where that is <c>null</c>.</summary>
    public void On(SmtpStep step, Func<string, SmtpReply?> answer)
    {
        lock (_lock)
        {
            _answers[step] = answer;
        }
    }

    /// <summary>Always says this at a step.</summary>
    public void On(SmtpStep step, SmtpReply reply) => On(step, _ => reply);

    /// <summary>Says this at a step once, and the usual after that.</summary>
    public void Once(SmtpStep step, SmtpReply reply)
    {
        var said = 0;
        On(step, _ => Interlocked.Exchange(ref said, 1) == 0 ? reply : null);
    }

    /// <summary>Behaves at a step as usual again.</summary>
    public void AsUsual(SmtpStep step) => On(step, _ => null);

    /// <summary>Makes the server wait at a step until the hold is released.</summary>
    /// <param name="step">The step.</param>
    /// <param name="domain">The only domain of recipients with whose emails it waits; with all of them where nothing is said.</param>
    public SmtpHold Hold(SmtpStep step, string? domain = null)
    {
        lock (_lock)
        {
            return _holds[step] = new SmtpHold(step, domain);
        }
    }

    /// <summary>Waits until <paramref name="count"/> emails have been taken, and returns them.</summary>
    public async Task<IReadOnlyList<ReceivedMail>> WaitForMessages(int count, TimeSpan? timeout = null)
    {
        await WaitUntil(() => _messages.Count >= count, () => $"{count} emails, but there were {_messages.Count}", timeout);
        return Messages;
    }

    /// <summary>Waits until a condition on the server's state holds; it is looked at again whenever something happens.</summary>
    public async Task WaitFor(string what, Func<FakeSmtpServer, bool> condition, TimeSpan? timeout = null) =>
        await WaitUntil(() => condition(this), () => what, timeout);

    /// <summary>Closes every open connection, as a mail server does with idle ones.</summary>
    public async Task CloseConnections()
    {
        Task[] running;
        lock (_lock)
        {
            _sessions.ForEach(session => session.Close());
            running = [.. _running];
        }

        await Task.WhenAll(running).WaitAsync(DefaultTimeout);
    }

    /// <summary>Refuses connections from now on, and closes the open ones.</summary>
    public async Task Stop()
    {
        _listener?.Dispose();
        _listener = null;
        await CloseConnections();
    }

    /// <summary>Takes connections again, on the same port.</summary>
    public void Restart()
    {
        _listener = new TcpListener(IPAddress.Loopback, Port);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _ = Accept(_listener);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var hold in _holds.Values)
        {
            hold.Release();
        }

        await Stop();
    }

    internal bool RequiresLogin => Credentials is not null || AccessToken is not null;

    internal async Task<SmtpReply> Answer(SmtpStep step, string argument, SmtpReply usual, string? recipient = null)
    {
        Func<string, SmtpReply?>? answer;
        SmtpHold? hold;
        lock (_lock)
        {
            answer = _answers.GetValueOrDefault(step);
            hold = _holds.GetValueOrDefault(step);
        }

        await (hold?.IsFor(recipient) == true ? hold.Enter() : Task.CompletedTask);
        return answer?.Invoke(argument) ?? usual;
    }

    internal void Change(Action<List<ReceivedMail>>? change = null)
    {
        lock (_lock)
        {
            change?.Invoke(_messages);
            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private async Task Accept(TcpListener listener)
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync();
                client.NoDelay = true;
                var session = new SmtpSession(this, client);
                lock (_lock)
                {
                    _sessions.Add(session);
                    var run = session.Run();
                    _running.Add(run);
                    _ = run.ContinueWith(Forget, TaskScheduler.Default);
                }

                Change();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Stopped.
        }
    }

    private void Forget(Task run)
    {
        lock (_lock)
        {
            _running.Remove(run);
        }

        Change();
    }

    private async Task WaitUntil(Func<bool> condition, Func<string> what, TimeSpan? timeout)
    {
        using var timer = new CancellationTokenSource(timeout ?? DefaultTimeout);
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (condition())
                {
                    return;
                }

                changed = _changed.Task;
            }

            try
            {
                await changed.WaitAsync(timer.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"The mail server waited in vain for {what()}.");
            }
        }
    }
}

/// <summary>A step at which a <see cref="FakeSmtpServer"/> waits.</summary>
public sealed class SmtpHold(SmtpStep step, string? domain = null)
{
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _reached = new(0);
    private int _waiting;

    /// <summary>How many conversations have come to the step.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Waits until <paramref name="count"/> more conversations have come to the step.</summary>
    public async Task Reached(int count = 1)
    {
        for (var i = 0; i < count; i++)
        {
            if (!await _reached.WaitAsync(FakeSmtpServer.DefaultTimeout))
            {
                throw new TimeoutException($"The mail server waited in vain for conversation {i + 1} of {count} to come to {step}.");
            }
        }
    }

    /// <summary>Lets everybody go on, those to come too.</summary>
    public void Release() => _released.TrySetResult();

    internal bool IsFor(string? recipient) => domain is null || recipient?.EndsWith($"@{domain}", StringComparison.Ordinal) == true;

    internal Task Enter()
    {
        Interlocked.Increment(ref _waiting);
        _reached.Release();
        return _released.Task;
    }
}

/// <summary>One connection to a <see cref="FakeSmtpServer"/>.</summary>
public sealed class SmtpSession
{
    private readonly FakeSmtpServer _server;
    private readonly TcpClient _client;
    private readonly List<string> _commands = [];
    private Stream _stream;
    private StreamReader _reader;
    private string? _recipient;

    internal SmtpSession(FakeSmtpServer server, TcpClient client)
    {
        _server = server;
        _client = client;
        _stream = client.GetStream();
        _reader = NewReader();
    }

    /// <summary>The lines that the client sent as commands.</summary>
    public IReadOnlyList<string> Commands
    {
        get
        {
            lock (_commands)
            {
                return [.. _commands];
            }
        }
    }

    public bool IsEncrypted => _stream is SslStream;

    public bool IsClosed { get; private set; }

    /// <summary>The subject of the certificate that the client showed, where it showed one.</summary>
    public string? ClientName { get; private set; }

    internal void Close() => _client.Close();

    internal async Task Run()
    {
        try
        {
            await Converse();
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or ArgumentException or System.Security.Authentication.AuthenticationException)
        {
            // The client is gone, would not trust us, or was thrown out. A stream that ends with its handshake is no argument for a reader.
        }
        finally
        {
            IsClosed = true;
            _client.Dispose();
        }
    }

    private async Task Converse()
    {
        var authenticated = false;
        var from = "";
        var hasSender = false;
        var takesUnicode = false;
        var recipients = new List<string>();
        if (_server.ImplicitTls)
        {
            await Encrypt();
        }

        var reply = await Say(SmtpStep.Connect, "", "220 fake.example ESMTP");
        while (!reply.ThenClose && await _reader.ReadLineAsync() is { } bytes)
        {
            var line = ReceivedMail.FromUtf8(bytes);
            lock (_commands)
            {
                _commands.Add(line);
            }

            _server.Change();
            switch (line.Split(' ')[0].ToUpperInvariant())
            {
                case "EHLO" or "HELO":
                    reply = await Say(SmtpStep.Ehlo, line[5..], Greeting());
                    break;
                case "STARTTLS":
                    reply = await Say(SmtpStep.StartTls, "", _server.Certificate is null ? "502 5.5.1 Not offered" : "220 2.0.0 Go ahead");
                    if (reply.Is(220))
                    {
                        await Encrypt();
                    }

                    break;
                case "AUTH":
                    reply = await LogIn(line);
                    authenticated = reply.Is(235);
                    break;
                case "MAIL":
                    from = Path(line);
                    takesUnicode = line.EndsWith(" SMTPUTF8", StringComparison.Ordinal) && _server.Extensions.Contains("SMTPUTF8");
                    recipients.Clear();
                    reply = await Say(SmtpStep.Mail, from, !_server.RequiresLogin || authenticated ? "250 2.1.0 Ok" : "530 5.7.0 Authentication required");
                    hasSender = reply.Line?.StartsWith('2') == true;
                    break;
                case "RCPT" when !hasSender:
                    reply = await Write("503 5.5.1 MAIL first");
                    break;
                case "RCPT":
                    _recipient = Path(line);
                    recipients.Add(_recipient);
                    reply = await Say(SmtpStep.Recipient, _recipient, takesUnicode || Ascii.IsValid(_recipient) ? "250 2.1.5 Ok" : "553 5.6.7 Not without SMTPUTF8");
                    if (reply.Line?.StartsWith('2') != true)
                    {
                        recipients.RemoveAt(recipients.Count - 1);
                    }

                    break;
                case "DATA":
                    reply = await Say(SmtpStep.Data, "", recipients.Count > 0 ? "354 End with a dot" : "554 5.5.1 No valid recipients");
                    reply = reply.Is(354) ? await ReadContent(from, [.. recipients]) : reply;
                    break;
                case "QUIT":
                    reply = await Write(await _server.Answer(SmtpStep.Quit, "", new SmtpReply("221 2.0.0 Bye", ThenClose: true)));
                    break;
                default:
                    reply = await Write("250 2.0.0 Ok");
                    break;
            }
        }
    }

    private async Task<SmtpReply> ReadContent(string from, IReadOnlyList<string> recipients)
    {
        var raw = new StringBuilder();
        while (await _reader.ReadLineAsync() is { } line)
        {
            if (raw.Length == 0 && await _server.Answer(SmtpStep.Content, line, new SmtpReply(null), _recipient) is { ThenClose: true } drop)
            {
                return drop;
            }

            if (line == ".")
            {
                var ended = Stopwatch.GetTimestamp();
                var reply = await _server.Answer(SmtpStep.EndOfData, raw.ToString(), "250 2.0.0 Ok: queued", _recipient);
                var mail = reply.Is(250) && recipients.Count > 0 ? ReceivedMail.Parse(raw.ToString(), from, recipients) : null;
                if (mail is not null)
                {
                    // Before the reply: who has got the reply may look at the messages.
                    _server.Change(messages => messages.Add(mail));
                }

                await Write(reply);
                mail?.AnsweredAfter = reply.IsUnsaid ? null : Stopwatch.GetElapsedTime(ended);
                return reply;
            }

            raw.Append(line.StartsWith('.') ? line[1..] : line).Append("\r\n");
        }

        return SmtpReply.Drop;
    }

    private async Task Encrypt()
    {
        var tls = new SslStream(_stream, leaveInnerStreamOpen: false, (_, certificate, _, _) => certificate is not null || !_server.WantsCertificate);
        await tls.AuthenticateAsServerAsync(_server.Certificate!, _server.WantsCertificate, checkCertificateRevocation: false);
        ClientName = tls.RemoteCertificate?.Subject;
        _stream = tls;
        _reader = NewReader();
    }

    private string Greeting()
    {
        List<string> extensions = ["fake.example", .. _server.Extensions];
        if (_server.Certificate is not null && !IsEncrypted)
        {
            extensions.Add("STARTTLS");
        }

        if (_server.RequiresLogin)
        {
            extensions.Add($"AUTH {_server.Mechanisms}");
        }

        return string.Join("\r\n", extensions.Select((extension, i) => (i == extensions.Count - 1 ? "250 " : "250-") + extension));
    }

    private async Task<SmtpReply> LogIn(string line)
    {
        var isToken = line.Split(' ')[1] is "XOAUTH2" or "OAUTHBEARER";
        var credentials = isToken ? ReadToken(line.Split(' ')) : await ReadLogin(line);
        var right = (isToken ? _server.AccessToken : _server.Credentials) is var (name, secret) && credentials == $"{name}:{secret}";
        var reply = await _server.Answer(SmtpStep.Auth, credentials, right ? "235 2.7.0 Accepted" : "535 5.7.8 Authentication credentials invalid");
        if (isToken && reply.Is(535) && !await TellWhy(line.Split(' ')[1]))
        {
            reply = "501 5.5.4 Cannot read that";
        }

        return await Write(reply);
    }

    /// <summary>Says why a token is refused, which the client has to acknowledge (RFC 7628, section 3.2.3).</summary>
    private async Task<bool> TellWhy(string mechanism)
    {
        await Write($"334 {Convert.ToBase64String("""{"status":"401","schemes":"bearer","scope":"https://mail.example/"}"""u8)}");
        // Each has its own way: XOAUTH2 an empty line, OAUTHBEARER one control character.
        return await _reader.ReadLineAsync() == (mechanism == "XOAUTH2" ? "" : "AQ==");
    }

    // "n,a=user,^Ahost=…^Aport=…^Aauth=Bearer …^A^A" in OAUTHBEARER, "user=user^Aauth=Bearer …^A^A" in XOAUTH2.
    private static string ReadToken(string[] words)
    {
        var fields = Decode(words[2]).Split('\u0001');
        var user = words[1] == "XOAUTH2" ? fields[0]["user=".Length..] : fields[0]["n,a=".Length..].TrimEnd(',');
        return $"{user}:{fields.Single(field => field.StartsWith("auth=Bearer ", StringComparison.Ordinal))["auth=Bearer ".Length..]}";
    }

    private async Task<string> ReadLogin(string line)
    {
        var words = line.Split(' ');
        if (words[1] is not ("PLAIN" or "LOGIN"))
        {
            return "";
        }

        if (words[1] == "PLAIN")
        {
            return string.Join(':', Decode(words[2]).Split('\0')[1..]);
        }

        if (words.Length < 3)
        {
            await Write("334 VXNlcm5hbWU6");
        }

        var name = Decode(words.Length < 3 ? await _reader.ReadLineAsync() : words[2]);
        await Write("334 UGFzc3dvcmQ6");
        return $"{name}:{Decode(await _reader.ReadLineAsync())}";
    }

    private static string Decode(string? base64) => Encoding.UTF8.GetString(Convert.FromBase64String(base64 ?? ""));

    private async Task<SmtpReply> Say(SmtpStep step, string argument, string usual) => await Write(await _server.Answer(step, argument, usual, _recipient));

    private async Task<SmtpReply> Write(SmtpReply reply)
    {
        if (reply.Line is not null && !reply.IsUnsaid)
        {
            await _stream.WriteAsync(Encoding.UTF8.GetBytes(reply.Line + "\r\n"));
        }

        return reply;
    }

    private static string Path(string line) => line[(line.IndexOf('<', StringComparison.Ordinal) + 1)..line.LastIndexOf('>')];

    private StreamReader NewReader() => new(_stream, Encoding.Latin1, detectEncodingFromByteOrderMarks: false, leaveOpen: true);
}
