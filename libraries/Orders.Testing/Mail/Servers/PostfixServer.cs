using Orders.Testing.Machine;

namespace Orders.Testing.Mail.Servers;

/// <summary>Postfix as the machine has it installed.</summary>
public sealed class PostfixServer : MailServer
{
    /// <summary>What it calls itself.</summary>
    public const string Name = "postfix.example";

    private static readonly string[] Programs = ["/usr/lib/postfix/sbin/master", "/usr/libexec/postfix/master"];
    private static readonly TimeSpan CommandTime = TimeSpan.FromSeconds(30);

    private PostfixServer()
        : base("postfix")
    {
    }

    /// <inheritdoc/>
    protected override string Mailbox => Path.Combine(Folder.FullName, "mail", "inbox");

    /// <inheritdoc/>
    protected override IEnumerable<string> Queues =>
        new[] { "maildrop", "incoming", "active", "deferred", "hold" }.Select(queue => Path.Combine(Folder.FullName, "queue", queue));

    private string LogFile => Path.Combine(Folder.FullName, "log", "mail.log");

    /// <summary>Starts one. Where there is none, the calling test is skipped, or fails with <c>CI=true</c>.</summary>
    /// <param name="tls">How it encrypts, where it does.</param>
    /// <param name="login">By which mechanism it lets whom in; where it is set, nobody else sends mail.</param>
    /// <param name="parameters">Lines of <c>main.cf</c>.</param>
    public static async Task<PostfixServer> StartAsync(
        MailServerTls? tls = null, MailServerLogin? login = null, params IEnumerable<(string Name, string Value)> parameters)
    {
        var program = Array.Find(Programs, File.Exists);
        if (program is null)
        {
            Needs.Missing("No Postfix on this machine. Install Debian's postfix.");
        }

        RequireRoot();
        var server = new PostfixServer();
        try
        {
            await server.ConfigureAsync(Path.GetDirectoryName(program)!, tls, [.. login is null ? [] : await server.LoginLinesAsync(login), .. parameters]);

            // The command postfix starts the same program after some seconds of checks.
            await server.RunAsync(program, ["-c", server.Folder.FullName, "-d"], greets: tls?.IsImplicit != true && login?.Checker != MailServerLogin.Dovecot);
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

    private async Task ConfigureAsync(string programs, MailServerTls? tls, IEnumerable<(string Name, string Value)> parameters)
    {
        var folder = Folder.FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "mailboxes"), $"!/^{UnknownRecipient}$/ inbox/\n");
        await File.WriteAllTextAsync(
            Path.Combine(folder, "main.cf"),
            $"""
            compatibility_level = 3.6
            daemon_directory = {programs}
            queue_directory = {folder}/queue
            data_directory = {folder}/data
            maillog_file = {LogFile}
            maillog_file_prefixes = {folder}/log
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            smtpd_peername_lookup = no
            myhostname = {Name}
            mydestination =
            alias_maps =
            alias_database =
            virtual_mailbox_domains = {Domain}
            virtual_mailbox_base = {folder}/mail
            virtual_mailbox_maps = regexp:{folder}/mailboxes
            virtual_uid_maps = static:65534
            virtual_gid_maps = static:65534
            default_transport = discard
            relay_transport = discard
            mynetworks = 127.0.0.0/8
            smtpd_relay_restrictions = permit_mynetworks, reject

            """);
        await File.AppendAllLinesAsync(Path.Combine(folder, "main.cf"), TlsLines(tls).Concat(parameters).Select(each => $"{each.Name} = {each.Value}"));
        await File.WriteAllTextAsync(
            Path.Combine(folder, "master.cf"),
            $"""
            127.0.0.1:{Port} inet n - n - - smtpd
            pickup unix n - n 60 1 pickup
            cleanup unix n - n - 0 cleanup
            qmgr unix n - n 300 1 qmgr
            tlsmgr unix - - n 1000? 1 tlsmgr
            rewrite unix - - n - - trivial-rewrite
            bounce unix - - n - 0 bounce
            defer unix - - n - 0 bounce
            proxymap unix - - n - - proxymap
            retry unix - - n - - error
            discard unix - - n - - discard
            virtual unix - n n - - virtual
            anvil unix - - n - 1 anvil
            postlog unix-dgram n - n - 1 postlogd

            """);

        Directory.CreateDirectory(Path.Combine(folder, "log"));
        Directory.CreateDirectory(Path.Combine(folder, "queue", "pid"));
        await InstallAsync("-o", "nobody", "mail");
        string[] queues = ["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"];
        await InstallAsync(["-o", "postfix", "-m", "700", "data", .. queues.Select(queue => $"queue/{queue}")]);
        await InstallAsync("-o", "postfix", "-g", "postdrop", "-m", "730", "queue/maildrop");
        await InstallAsync("-o", "postfix", "-g", "postdrop", "-m", "710", "queue/public");
    }

    private static IEnumerable<(string Name, string Value)> TlsLines(MailServerTls? tls) => tls is null
        ? []
        :
        [
            ("smtpd_tls_cert_file", tls.Certificate.File),
            ("smtpd_tls_key_file", tls.Certificate.KeyFile),
            ("smtpd_tls_security_level", "encrypt"),
            ("smtpd_tls_wrappermode", tls.IsImplicit ? "yes" : "no"),
        ];

    private async Task<IEnumerable<(string Name, string Value)>> LoginLinesAsync(MailServerLogin login)
    {
        IEnumerable<(string Name, string Value)> lines =
            [("smtpd_sasl_auth_enable", "yes"), ("smtpd_sasl_local_domain", Name), ("smtpd_relay_restrictions", "permit_sasl_authenticated, reject")];
        if (login.Checker == MailServerLogin.Dovecot)
        {
            return [.. lines, ("smtpd_sasl_type", "dovecot"), ("smtpd_sasl_path", "private/nobody-listens")];
        }

        var program = Needs.FindProgram("saslpasswd2", "/usr/sbin");
        if (program is null)
        {
            Needs.Missing("No saslpasswd2 on this machine. Install Debian's sasl2-bin and libsasl2-modules.");
        }

        var database = Path.Combine(Folder.FullName, "sasldb2");
        await Command.RunAsync(
            "sh",
            ["-c", """printf %s "$1" | "$2" -p -c -f "$3" -u "$4" "$5" && chown postfix "$3" """, "sh", login.Password, program, database, Name, login.Username],
            CommandTime);
        var folder = Directory.CreateDirectory(Path.Combine(Folder.FullName, "sasl")).FullName;
        await File.WriteAllTextAsync(
            Path.Combine(folder, "smtpd.conf"),
            $"""
            pwcheck_method: {login.Checker}
            auxprop_plugin: sasldb
            sasldb_path: {database}
            saslauthd_path: {Folder.FullName}/nobody-listens
            mech_list: {login.Mechanism}

            """);
        return [.. lines, ("cyrus_sasl_config_path", folder)];
    }

    private async Task InstallAsync(params IEnumerable<string> arguments) =>
        await Command.RunAsync("install", ["-d", .. arguments], CommandTime, folder: Folder.FullName);
}

/// <summary>Whom a <see cref="PostfixServer"/> lets in.</summary>
/// <param name="Mechanism">The only mechanism that it offers, such as <c>PLAIN</c>.</param>
/// <param name="Username">The user's name.</param>
/// <param name="Password">The user's password.</param>
/// <param name="Checker">What looks at a password, as Cyrus SASL calls it, or <see cref="Dovecot"/>.</param>
public sealed record MailServerLogin(string Mechanism, string Username, string Password, string Checker = "auxprop")
{
    /// <summary>Another program, which does not run.</summary>
    public const string SaslAuthDaemon = "saslauthd";

    /// <summary>Dovecot, which does not run.</summary>
    public const string Dovecot = "dovecot";
}
