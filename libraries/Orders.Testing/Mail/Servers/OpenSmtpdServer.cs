using System.Collections.Concurrent;

namespace Orders.Testing.Mail.Servers;

/// <summary>OpenSMTPD of Debian's package <c>opensmtpd</c>, unpacked, in clear.</summary>
public sealed class OpenSmtpdServer : MailServer
{
    private const string Program = "/usr/sbin/smtpd";
    private const int Customer = 1000;

    private readonly ConcurrentQueue<string> _log = [];

    private OpenSmtpdServer()
        : base("opensmtpd")
    {
    }

    /// <inheritdoc/>
    protected override string Mailbox => Path.Combine(Folder.FullName, "var", "mail");

    /// <inheritdoc/>
    protected override IEnumerable<string> Queues =>
        new[] { "incoming", "queue" }.Select(queue => Path.Combine(Folder.FullName, "var", "spool", "smtpd", queue));

    /// <summary>Starts one. Where there is none, the calling test is skipped, or fails with <c>CI=true</c>.</summary>
    /// <param name="lines">Lines of its configuration.</param>
    public static async Task<OpenSmtpdServer> StartAsync(params IEnumerable<string> lines)
    {
        UnpackedServers.Require(Program, "opensmtpd");
        RequireRoot();
        var server = new OpenSmtpdServer();
        try
        {
            await server.ConfigureAsync(lines);
            await server.RunAsync("chroot", [server.Folder.FullName, Program, "-d"], greets: true, server._log.Enqueue);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public override string ReadLog() => string.Join('\n', _log);

    private async Task ConfigureAsync(IEnumerable<string> lines)
    {
        var folder = Folder.FullName;
        await UnpackedServers.CopyAsync(folder, ("opensmtpd", 101), ("opensmtpq", 102), ("customer", Customer));
        await UnpackedServers.CreateAsync(Mailbox, Customer);
        Directory.CreateDirectory(Path.Combine(folder, "var", "lib", "opensmtpd", "empty"));
        Directory.CreateDirectory(Path.Combine(folder, "var", "lib", "empty"));
        await File.WriteAllTextAsync(Path.Combine(folder, "etc", "mailname"), "opensmtpd.example\n");
        await File.WriteAllTextAsync(
            Path.Combine(folder, "etc", "smtpd.conf"),
            $$"""
            {{string.Join('\n', lines)}}
            listen on 127.0.0.1 port {{Port}} hostname opensmtpd.example
            action "deliver" maildir "/var/mail" virtual { "customer@{{Domain}}" = "customer" }
            match from any for domain "{{Domain}}" action "deliver"

            """);
    }
}
