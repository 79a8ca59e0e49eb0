namespace Orders.Testing.Mail.Servers;

/// <summary>Exim 4 of Debian's package <c>exim4-daemon-light</c>, unpacked. It starts no queue runs.</summary>
public sealed class EximServer : MailServer
{
    private const string Program = "/usr/sbin/exim4";
    private const int User = 101;
    private const int Customer = 1000;

    private EximServer()
        : base("exim")
    {
    }

    /// <inheritdoc/>
    protected override string Mailbox => Path.Combine(Folder.FullName, "var", "mail");

    /// <inheritdoc/>
    protected override IEnumerable<string> Queues => [Path.Combine(Spool, "input")];

    private string Spool => Path.Combine(Folder.FullName, "var", "spool", "exim4");

    private string LogFile => Path.Combine(Folder.FullName, "var", "log", "exim4", "mainlog");

    /// <summary>Starts one. Where there is none, the calling test is skipped, or fails with <c>CI=true</c>.</summary>
    /// <param name="tls">How it encrypts, where it does.</param>
    /// <param name="options">Lines of the main section of its configuration.</param>
    public static async Task<EximServer> StartAsync(MailServerTls? tls = null, params IEnumerable<string> options)
    {
        UnpackedServers.Require(Program, "exim4-daemon-light");
        RequireRoot();
        var server = new EximServer();
        try
        {
            await server.ConfigureAsync(tls, options);
            await server.RunAsync("chroot", [server.Folder.FullName, Program, "-bdf"], greets: tls?.IsImplicit != true);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public override string ReadLog() => File.Exists(LogFile) ? File.ReadAllText(LogFile) : "";

    private async Task ConfigureAsync(MailServerTls? tls, IEnumerable<string> options)
    {
        var folder = Folder.FullName;
        await UnpackedServers.CopyAsync(folder, ("Debian-exim", User), ("customer", Customer));
        await UnpackedServers.CreateAsync(Spool, User);
        await UnpackedServers.CreateAsync(Path.GetDirectoryName(LogFile)!, User);
        await UnpackedServers.CreateAsync(Mailbox, Customer);
        var tlsLines = "tls_advertise_hosts =";
        if (tls is not null)
        {
            File.Copy(tls.Certificate.File, Path.Combine(folder, "etc", "server.pem"));
            File.Copy(tls.Certificate.KeyFile, Path.Combine(folder, "etc", "server.key"));
            tlsLines = $"""
                tls_certificate = /etc/server.pem
                tls_privatekey = /etc/server.key
                {(tls.IsImplicit ? $"tls_on_connect_ports = {Port}" : "tls_advertise_hosts = *")}
                """;
        }

        Directory.CreateDirectory(Path.Combine(folder, "etc", "exim4"));
        await File.WriteAllTextAsync(
            Path.Combine(folder, "etc", "exim4", "exim4.conf"),
            $"""
            primary_hostname = exim.example
            keep_environment =
            notifier_socket =
            log_selector = +smtp_connection
            local_interfaces = 127.0.0.1
            daemon_smtp_ports = {Port}
            spool_directory = /var/spool/exim4
            log_file_path = /var/log/exim4/%slog
            host_lookup =
            acl_smtp_rcpt = check_recipient
            {tlsLines}
            {string.Join('\n', options)}
            begin acl
            check_recipient:
              require verify = recipient
              accept
            begin routers
            customers:
              driver = accept
              domains = {Domain}
              local_parts = ! {UnknownRecipient.Split('@')[0]}
              transport = mailbox
            begin transports
            mailbox:
              driver = appendfile
              directory = /var/mail
              maildir_format
              user = customer
              group = customer
              return_path_add

            """);
    }
}
