using Orders.Testing.Mail.Servers;

namespace Orders.Tests.Email.MailServers;

/// <summary>Exim lets the 11th and later emails of one connection lie until its next queue run, which never comes here.</summary>
[Long]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[Parallelizable(ParallelScope.All)]
public sealed class EximTests : MailServerTests
{
    [Test]
    public async Task A_host_that_may_have_three_connections_gets_every_email_out()
    {
        var server = Add(await EximServer.StartAsync(options: "smtp_accept_max_per_host = 3"));
        using var host = EmailHost.For(server);

        await SendAsync(host, 100);

        await ExpectDeliveredAsync(server, 100);
    }

    private protected override async Task<MailServer> StartAsync(MailServerTls? tls = null, int mostBytes = 1_000_000) =>
        await EximServer.StartAsync(tls, $"message_size_limit = {mostBytes}");

    private protected override async Task ExpectConnectionsAsync(MailServer server, int count)
    {
        await server.WaitForLogAsync("closed by QUIT");
        Assert.That(server.CountInLog("closed by QUIT"), Is.EqualTo(1 + count), "The first one asked whether it runs.");
    }
}
