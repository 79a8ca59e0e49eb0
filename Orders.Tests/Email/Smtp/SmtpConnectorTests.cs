using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using Orders.Email;
using Orders.Email.Smtp;

namespace Orders.Tests.Email.Smtp;

/// <summary>How a connection to a mail server is made.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class SmtpConnectorTests
{
    private static readonly (string, string?)[] Login = [("Email__Smtp__Username", "shop"), ("Email__Smtp__Password", "s3cret")];

    private FakeSmtpServer _server = null!;
    private EmailHost? _host;

    [SetUp]
    public void StartServer() => _server = FakeSmtpServer.Start(("shop", "s3cret"));

    [TearDown]
    public async Task StopServer()
    {
        _host?.Dispose();
        await _server.DisposeAsync();
    }

    [TestCase("LOGIN PLAIN GSSAPI", "Auto", "AUTH PLAIN")]
    [TestCase("LOGIN", "Auto", "AUTH LOGIN")]
    [TestCase("PLAIN LOGIN", "Login", "AUTH LOGIN")]
    public async Task It_logs_in_by_the_strongest_mechanism_that_both_know_or_by_the_one_that_is_set(string offered, string setting, string command)
    {
        _server.Mechanisms = offered;

        await Host([.. Login, ("Email__Smtp__Authentication", setting)]).SendAsync();

        Assert.That(Commands("AUTH").Single(), Does.StartWith(command));
    }

    [TestCase("CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 PLAIN", "AUTH SCRAM-SHA-256")]
    [TestCase("CRAM-MD5 PLAIN LOGIN", "AUTH CRAM-MD5")]
    public async Task It_tries_a_login_once_however_many_there_are(string offered, string command)
    {
        _server.Mechanisms = offered;

        await Assert.CatchAsync<MailServerException>(() => Host(Login).SendAsync());

        Assert.That(Commands("AUTH").Single(), Does.StartWith(command));
    }

    [TestCase("GSSAPI NTLM", "Auto", "but GSSAPI, NTLM.")]
    [TestCase("LOGIN", "Plain", "but LOGIN.")]
    public async Task Where_there_is_none_that_may_be_used_it_says_what_there_is(string offered, string setting, string words)
    {
        _server.Mechanisms = offered;

        var failure = await Assert.ThrowsAsync<MailServerRefusedUsException>(() => Host([.. Login, ("Email__Smtp__Authentication", setting)]).SendAsync());

        Assert.That(failure!.Message, Does.StartWith("The mail server offers no login that Email__Smtp__Authentication allows").And.EndsWith(words));
        Assert.That(failure.WasLetIn, Is.False);
    }

    [TestCase("535 5.7.8 Authentication credentials invalid", typeof(MailServerRefusedUsException))]
    [TestCase("534 5.7.9 Application-specific password required", typeof(MailServerRefusedUsException))]
    [TestCase("454 4.7.0 Temporary authentication failure", typeof(MailServerUnavailableException))]
    public async Task A_login_that_is_refused_is_about_us_and_one_that_cannot_be_checked_an_outage(string reply, Type expected)
    {
        _server.On(SmtpStep.Auth, reply);

        var failure = await Assert.CatchAsync<MailServerException>(() => Host(Login).SendAsync());

        Assert.That(failure, Is.TypeOf(expected));
        Assert.That(failure!.Message, Does.Contain(reply[4..]));
        Assert.That(failure.Evidence, Is.EqualTo(OutageEvidence.Proof));
    }

    [Test]
    public async Task A_password_file_is_read_again_for_each_connection()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "s3cret\n");
        var host = Host([("Email__Smtp__Username", "shop"), ("Email__Smtp__PasswordFile", file)]);
        await host.SendAsync("1");
        _server.On(SmtpStep.Auth, credentials => credentials == "shop:changed" ? "235 2.7.0 Accepted" : "535 5.7.8 Invalid");
        await _server.CloseConnections();

        await File.WriteAllTextAsync(file, "changed");
        await host.SendAsync("2");
        File.Delete(file);

        Assert.That(_server.Messages, Has.Count.EqualTo(2));
    }

    [TestCase("worker.shop.example", "EHLO worker.shop.example")]
    [TestCase("192.0.2.1", "EHLO [192.0.2.1]")]
    [TestCase("2001:db8::1", "EHLO [IPv6:2001:db8::1]")]
    public async Task It_says_the_name_that_is_set(string name, string expected)
    {
        await Host([.. Login, ("Email__Smtp__EhloName", name)]).SendAsync();

        Assert.That(Commands("EHLO").Single(), Is.EqualTo(expected));
    }

    [Test]
    public async Task By_default_that_is_a_full_name_or_an_address()
    {
        await Host(Login).SendAsync();

        Assert.That(Commands("EHLO").Single(), Does.Match(@"^EHLO (\[127\.0\.0\.1\]|[\w-]+(\.[\w-]+)+)$"));
    }

    [TestCase("silent")]
    [TestCase("closing")]
    [TestCase("closed")]
    public async Task Every_address_of_the_host_is_tried_and_a_dead_one_costs_its_share_of_the_time(string how)
    {
        using var dead = new TcpListener(IPAddress.Parse("127.0.0.2"), _server.Port);
        if (how != "closed")
        {
            dead.Start();
        }

        if (how == "closing")
        {
            _ = dead.AcceptSocketAsync().ContinueWith(accepting => accepting.Result.Dispose(), TaskScheduler.Default);
        }

        var connector = Connector(TimeSpan.FromSeconds(4), "127.0.0.2", "127.0.0.1");
        using var connection = await connector.ConnectAsync(CancellationToken.None);

        Assert.That(_server.Sessions, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Where_none_answers_the_last_ones_failure_is_told()
    {
        await _server.Stop();

        var failure = await Assert.ThrowsAsync<MailServerUnavailableException>(
            () => Connector(TimeSpan.FromSeconds(10), "127.0.0.2", "127.0.0.1").ConnectAsync(CancellationToken.None));

        Assert.That(failure!.Message, Does.Contain("refused"));
    }

    [TestCase("220 mail.example ESMTP Exim 4.96 Sun, 29 Nov 2026 12:00:00 +0000", null, 2)]
    [TestCase("220 mail.example ESMTP Exim 4.96 Sun, 29 Nov 2026 12:00:00 +0000", "30", 1)]
    [TestCase("220 mail.example ESMTP", null, 1)]
    [TestCase("220 mail.example ESMTP", "6", 3)]
    public async Task A_connection_carries_as_many_emails_as_it_may(string greeting, string? setting, int connections)
    {
        _server.On(SmtpStep.Connect, greeting);
        for (var i = 0; i < 18; i++)
        {
            await Host([.. Login, ("Email__Smtp__EmailsPerConnection", setting)]).SendAsync($"{i}");
        }

        Assert.That(_server.Messages, Has.Count.EqualTo(18));
        Assert.That(_server.Sessions, Has.Count.EqualTo(connections));
        await _server.WaitFor("QUIT where it was full", server => server.Sessions.Take(connections - 1).All(session => session.Commands.Contains("QUIT")));
    }

    [Test]
    public async Task A_certificate_is_shown_to_a_server_that_asks_for_one()
    {
        using var authority = new TestAuthority();
        var ours = authority.Issue("worker", forClients: true);
        await using var server = FakeSmtpServer.Start(certificate: authority.Issue("server").Certificate, implicitTls: true);
        server.WantsCertificate = true;
        using var host = EmailHost.For(
            server,
            ("Email__Smtp__Security", "Tls"),
            ("Email__Smtp__CertificateAuthorityFile", authority.CertificateFile),
            ("Email__Smtp__CertificateFile", ours.File),
            ("Email__Smtp__KeyFile", ours.KeyFile));

        await host.SendAsync();

        Assert.That(server.Sessions.Single().ClientName, Is.EqualTo("CN=worker"));
    }

    private SmtpConnector Connector(TimeSpan timeout, params string[] addresses)
    {
        var options = Options.Create(new EmailOptions { Smtp = { Host = "mail.example", Port = _server.Port, ConnectTimeout = timeout } });
        // Without a login.
        return new SmtpConnector(options, new SmtpLogin(options, tokens: null!), TimeProvider.System)
        {
            Resolve = (_, _) => Task.FromResult(addresses.Select(IPAddress.Parse).ToArray()),
        };
    }

    private EmailHost Host((string, string?)[] settings) => _host ??= EmailHost.For(_server, settings);

    private IEnumerable<string> Commands(string verb) => _server.Sessions.SelectMany(session => session.Commands).Where(line => line.StartsWith(verb, StringComparison.Ordinal));
}
