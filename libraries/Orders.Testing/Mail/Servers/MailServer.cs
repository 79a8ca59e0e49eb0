using System.Net.Sockets;
using System.Text;
using Orders.Testing.Machine;
using Orders.Testing.Network;

namespace Orders.Testing.Mail.Servers;

/// <summary>
/// A mail server that others wrote, on 127.0.0.1, with a configuration and folders of its own. It delivers every email into a
/// folder, and sends nothing elsewhere: what counts is a file there, not the server's answer.
/// </summary>
public abstract class MailServer : IAsyncDisposable
{
    /// <summary>The only domain that it takes mail for.</summary>
    public const string Domain = "example.com";

    /// <summary>An address that it refuses.</summary>
    public const string UnknownRecipient = $"nobody@{Domain}";

    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan WaitTime = TimeSpan.FromSeconds(30);

    private Server? _server;

    private protected MailServer(string name)
    {
        Folder = Directory.CreateTempSubdirectory($"orders-tests-{name}-");
        if (!OperatingSystem.IsWindows())
        {
            // The server's own users look into it.
            Folder.UnixFileMode |= UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        }
    }

    /// <summary>The port that it listens on.</summary>
    public int Port { get; } = Ports.Free(1)[0];

    /// <summary>All its files.</summary>
    protected DirectoryInfo Folder { get; }

    /// <summary>A Maildir into which it delivers.</summary>
    protected abstract string Mailbox { get; }

    /// <summary>Where emails lie that it has taken and not delivered.</summary>
    protected abstract IEnumerable<string> Queues { get; }

    /// <summary>All that it has logged.</summary>
    public abstract string ReadLog();

    /// <summary>Waits until the server has nothing left to deliver.</summary>
    /// <returns>What it has delivered, one for each file, in no order.</returns>
    public async Task<IReadOnlyList<ReceivedMail>> DeliverAsync()
    {
        await Eventually.GetAsync(
            "an empty queue of the mail server", _ => Task.FromResult(Queues.Sum(CountFiles)), count => count == 0, WaitTime);
        return
        [
            .. Directory.Exists(Path.Combine(Mailbox, "new"))
                ? Directory.EnumerateFiles(Path.Combine(Mailbox, "new")).Select(Read)
                : [],
        ];
    }

    /// <summary>Waits until the log contains a text.</summary>
    public Task WaitForLogAsync(string text) =>
        Eventually.GetAsync($"'{text}' in the mail server's log", _ => Task.FromResult(ReadLog()), log => log.Contains(text, StringComparison.Ordinal), WaitTime);

    /// <summary>How many lines of the log contain a text.</summary>
    public int CountInLog(string text) => ReadLog().Split('\n').Count(line => line.Contains(text, StringComparison.Ordinal));

    /// <summary>Kills it and all that it started, and deletes its files.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        Folder.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Skips the calling test, or fails it with <c>CI=true</c>, where it does not run as root: mail servers change users.</summary>
    private protected static void RequireRoot()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            Needs.Missing("Real mail servers need Linux and root.");
        }
    }

    /// <summary>Starts the program and waits until it listens and, where <paramref name="greets"/> says so, greets in clear.</summary>
    private protected async Task RunAsync(string program, IEnumerable<string> arguments, bool greets, Action<string>? onLine = null) =>
        _server = await Server.StartAsync(program, arguments, cancellationToken => IsReadyAsync(greets, cancellationToken), StartTime, onLine);

    /// <summary>Says QUIT and waits for the end, or the connection would count among the first ones of a test.</summary>
    private async Task<bool> IsReadyAsync(bool greets, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", Port, cancellationToken);
        if (!greets)
        {
            return true;
        }

        using var reader = new StreamReader(client.GetStream());
        var greeting = await reader.ReadLineAsync(cancellationToken);
        await client.GetStream().WriteAsync("QUIT\r\n"u8.ToArray(), cancellationToken);
        await reader.ReadToEndAsync(cancellationToken);
        return greeting?.StartsWith("220", StringComparison.Ordinal) == true;
    }

    private static int CountFiles(string folder) =>
        Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Count() : 0;

    // Servers keep mail with the ends of lines that the system has.
    private static ReceivedMail Read(string file) =>
        ReceivedMail.Parse(File.ReadAllText(file, Encoding.Latin1).ReplaceLineEndings("\r\n"));
}

/// <summary>How a <see cref="MailServer"/> encrypts.</summary>
/// <param name="Certificate">What it shows.</param>
/// <param name="IsImplicit">Whether TLS begins with the first byte, instead of by STARTTLS.</param>
public sealed record MailServerTls(IssuedCertificate Certificate, bool IsImplicit);
