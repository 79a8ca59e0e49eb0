using Orders.Testing.Mail.Servers;

namespace Orders.Tests.Email.MailServers;

/// <summary>Exim lets the 11th and later emails of one connection lie until its next queue run, which never comes here.</summary>
[Long]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[Parallelizable(ParallelScope.All)]
public sealed class EximTests : TlsMailServerTests
{
    [Test]
    public async Task A_host_that_may_have_three_connections_gets_every_email_out()
    {
        var server = Add(await EximServer.StartAsync(options: "smtp_accept_max_per_host = 3"));
        using var host = EmailHost.For(server);

        await SendAsync(host, 100);

        await ExpectDeliveredAsync(server, 100);
    }

    private protected override string LoggedConnection => "SMTP connection from [127.0.0.1] (TCP";

    private protected override async Task<MailServer> StartWithTlsAsync(MailServerTls tls) => await EximServer.StartAsync(tls);

    private protected override async Task<MailServer> StartAsync(int mostBytes = 1_000_000) =>
        await EximServer.StartAsync(options: $"message_size_limit = {mostBytes}");
}
