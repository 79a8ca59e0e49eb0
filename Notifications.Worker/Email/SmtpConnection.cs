using System.Net.Mail;
using System.Net.Security;
using System.Net.Sockets;
using System.Reflection;

namespace Notifications.Worker.Email;

/// <summary>
/// An <see cref="SmtpClient"/> that is kept with its connection from one email to the next. One user at a time.
/// </summary>
/// <remarks>
/// SmtpClient leaves Nagle's algorithm on and ends each email with a second small write: against a server that
/// delays its acknowledgements this costs 40 ms an email, that is 22 emails a second and connection instead of
/// more than 1,000. No public member leads to its socket, so private fields have to.
/// </remarks>
internal sealed class SmtpConnection(SmtpClient client, TimeProvider time) : IDisposable
{
    private static readonly FieldInfo? Transport = Field(typeof(SmtpClient), "_transport");
    private static readonly FieldInfo? Connection = Field(Transport?.FieldType, "_connection");
    private static readonly FieldInfo? TcpClient = Field(Connection?.FieldType, "_tcpClient");
    private static readonly FieldInfo? Extensions = Field(Connection?.FieldType, "_extensions");
    private static readonly FieldInfo? InnerStream = Field(Connection?.FieldType, "_stream");

    private readonly OwnThread _thread = new("SMTP connection");
    private long _lastUsed;
    private SmtpContentStream? _content;

    /// <summary>Whether this runtime's SmtpClient has the private fields that lead to the socket.</summary>
    public static bool CanReachSocket => TcpClient is not null;

    public SmtpClient Client { get; } = client;

    /// <summary>Whether an email went through already. The server may have closed such a connection since.</summary>
    public bool IsKept { get; private set; }

    /// <summary>The kept connection's socket, where the runtime lets us have it.</summary>
    public Socket? Socket { get; private set; }

    /// <summary>
    /// Whether the server has let us in: it answered EHLO, and encrypts where that is required, so what it refuses now is
    /// this email rather than us. Also <c>true</c> where the runtime doesn't let us know.
    /// </summary>
    public bool IsGreeted =>
        IsKept
        || Extensions is null
        || InnerStream is null
        || (InnerConnection is { } connection
            && Extensions.GetValue(connection) is not null
            && (!Client.EnableSsl || InnerStream.GetValue(connection) is SslStream));

    private object? InnerConnection => Connection?.GetValue(Transport!.GetValue(Client));

    /// <summary>Has the client do what blocks, on a thread of the connection's own.</summary>
    /// <exception cref="ObjectDisposedException">The connection was given up.</exception>
    public Task RunAsync(Action<SmtpClient> action) => _thread.RunAsync(() => action(Client));

    /// <summary>Notes that an email went through.</summary>
    public void Keep()
    {
        if (!IsKept && InnerConnection is { } connection)
        {
            Socket = (TcpClient?.GetValue(connection) as TcpClient)?.Client;
            if (Socket is not null)
            {
                Socket.NoDelay = true;
            }

            if (InnerStream?.GetValue(connection) is Stream stream)
            {
                _content = new SmtpContentStream(stream);
                InnerStream.SetValue(connection, _content);
            }
        }

        IsKept = true;
        _lastUsed = time.GetTimestamp();
    }

    /// <summary>Notes that the server asked for the content: what follows, up to its end, goes out at once where it can.</summary>
    public void BeginContent() => _content?.BeginContent();

    /// <summary>Whether the connection is worth another email.</summary>
    public bool IsUsable(TimeSpan idleTimeout)
    {
        // Between emails the server has nothing to say, unless it closes the connection, or says 421 and then closes it.
        return time.GetElapsedTime(_lastUsed) <= idleTimeout
            && (Socket is null || (Socket.Connected && !Socket.Poll(0, SelectMode.SelectRead)));
    }

    /// <summary>Says QUIT and closes, or just closes while an email is being sent, which ends the sending.</summary>
    public void Dispose()
    {
        Client.Dispose();
        _thread.Dispose();
    }

    private static FieldInfo? Field(Type? type, string name) =>
        type?.GetField(name, BindingFlags.Instance | BindingFlags.NonPublic);
}
