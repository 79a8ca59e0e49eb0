using System.Globalization;
using Orders.Email;
using Orders.Testing.Mail.Servers;

namespace Orders.Tests.Email.MailServers;

[Long]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[Parallelizable(ParallelScope.All)]
public sealed class PostfixTests : TlsMailServerTests
{
    // Without it, the limits do not hold for clients of the same network.
    private static readonly (string, string) LimitsForAll = ("smtpd_client_event_limit_exceptions", "");

    [TestCase("PLAIN")]
    [TestCase("LOGIN")]
    [TestCase("CRAM-MD5")]
    [TestCase("SCRAM-SHA-256")]
    public async Task It_logs_in_by_the_only_mechanism_that_is_offered(string mechanism)
    {
        var server = Add(await PostfixServer.StartAsync(login: new MailServerLogin(mechanism, "shop", "s3cret")));
        using var host = WithLogin(server, "s3cret");

        await SendAsync(host, 20);

        await ExpectDeliveredAsync(server, 20);
        Assert.That(server.CountInLog($"sasl_method={mechanism}, sasl_username=shop@{PostfixServer.Name}"), Is.EqualTo(20));
    }

    [TestCase("PLAIN")]
    [TestCase("LOGIN")]
    [TestCase("CRAM-MD5")]
    [TestCase("SCRAM-SHA-256")]
    public async Task A_wrong_password_is_tried_once_and_refuses_us(string mechanism)
    {
        var server = Add(await PostfixServer.StartAsync(login: new MailServerLogin(mechanism, "shop", "s3cret")));
        using var host = WithLogin(server, "wrong");

        await Assert.ThrowsAsync<MailServerRefusedUsException>(() => host.SendAsync());

        await server.WaitForLogAsync("auth=0/1");
        Assert.That(server.CountInLog("auth="), Is.EqualTo(1));
        await ExpectDeliveredAsync(server, 0);
    }

    [Test]
    public async Task A_server_that_cannot_check_passwords_is_unavailable()
    {
        var server = Add(await PostfixServer.StartAsync(login: new MailServerLogin("PLAIN", "shop", "s3cret", MailServerLogin.SaslAuthDaemon)));
        using var host = WithLogin(server, "s3cret");

        var failure = await Assert.ThrowsAsync<MailServerUnavailableException>(() => host.SendAsync());

        Assert.That(failure!.Message, Does.Contain("454"));
    }

    [Test]
    public async Task A_server_whose_login_is_down_is_unavailable()
    {
        var server = Add(await PostfixServer.StartAsync(login: new MailServerLogin("PLAIN", "shop", "s3cret", MailServerLogin.Dovecot)));
        using var host = WithLogin(server, "s3cret");

        await Assert.ThrowsAsync<MailServerUnavailableException>(() => host.SendAsync());
    }

    [Test]
    public async Task Our_name_passes_the_restrictions_on_it()
    {
        var server = Add(await StartWithHelloRestrictionsAsync());
        using var host = EmailHost.For(server);

        await host.SendAsync("1");

        await ExpectDeliveredAsync(server, 1);
    }

    [Test]
    public async Task A_name_that_is_no_full_one_refuses_us_not_the_recipient()
    {
        var server = Add(await StartWithHelloRestrictionsAsync());
        using var host = EmailHost.For(server, ("Email__Smtp__EhloName", "localhost"));

        var failure = await Assert.ThrowsAsync<MailServerRefusedUsException>(() => host.SendAsync());

        Assert.That(failure!.Message, Does.Contain("504"));
        await ExpectDeliveredAsync(server, 0);
    }

    [TestCase(1)]
    [TestCase(3)]
    public async Task A_server_that_takes_fewer_connections_than_the_pool_has_gets_every_email(int connections)
    {
        var server = Add(await PostfixServer.StartAsync(parameters:
            [LimitsForAll, ("smtpd_client_connection_count_limit", connections.ToString(CultureInfo.InvariantCulture))]));
        using var host = EmailHost.For(server, ("Email__Smtp__EmailsPerConnection", "10"));

        await SendAsync(host, 100);

        await ExpectDeliveredAsync(server, 100);
    }

    [Test]
    public async Task A_server_that_takes_fewer_emails_a_minute_puts_us_off()
    {
        var server = Add(await PostfixServer.StartAsync(parameters: [LimitsForAll, ("smtpd_client_message_rate_limit", "2")]));
        using var host = EmailHost.For(server);
        await host.SendAsync("1");
        await host.SendAsync("2");

        await Assert.ThrowsAsync<MailServerPutsUsOffException>(() => host.SendAsync("3"));

        await ExpectDeliveredAsync(server, 2);
    }

    [Test]
    public async Task A_connection_that_the_server_has_closed_for_idleness_costs_no_failure()
    {
        var server = Add(await PostfixServer.StartAsync(parameters: [("smtpd_timeout", "2s")]));
        using var host = EmailHost.For(server);
        await host.SendAsync("1");
        await server.WaitForLogAsync("timeout after");

        await host.SendAsync("2");

        await ExpectDeliveredAsync(server, 2);
    }

    [Test]
    public async Task A_greylisted_recipient_is_put_off_and_nobody_else()
    {
        var server = Add(await PostfixServer.StartAsync(parameters:
            ("smtpd_recipient_restrictions", "check_recipient_access inline:{{new@example.com = 450 4.2.0 Greylisted, see you in five minutes}}")));
        using var host = EmailHost.For(server);

        var failure = await Assert.CatchAsync<TransientEmailException>(() => host.SendAsync("1", "new@example.com"));
        await host.SendAsync("2");

        Assert.That(failure, Is.Not.InstanceOf<MailServerException>());
        Assert.That(failure!.Message, Does.Contain("450"));
        await ExpectDeliveredAsync(server, "2");
    }

    private protected override string LoggedConnection => ": connect from";

    private protected override async Task<MailServer> StartWithTlsAsync(MailServerTls tls) => await PostfixServer.StartAsync(tls);

    private protected override async Task<MailServer> StartAsync(int mostBytes = 1_000_000) =>
        await PostfixServer.StartAsync(parameters:
        [
            // For each answer after 10 errors on a connection. By default it is a second.
            ("smtpd_error_sleep_time", "5s"),
            ("message_size_limit", mostBytes.ToString(CultureInfo.InvariantCulture)),
        ]);

    private static Task<PostfixServer> StartWithHelloRestrictionsAsync() => PostfixServer.StartAsync(parameters:
    [
        ("smtpd_helo_required", "yes"),
        ("smtpd_delay_reject", "yes"),
        ("smtpd_helo_restrictions", "reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname"),
    ]);

    private static EmailHost WithLogin(MailServer server, string password) =>
        EmailHost.For(server, ("Email__Smtp__Username", "shop"), ("Email__Smtp__Password", password));
}
