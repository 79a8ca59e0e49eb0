using Orders.Testing.Mail.Servers;

namespace Orders.Tests.Email.MailServers;

/// <summary>Without TLS: OpenSMTPD 6.8 breaks every handshake off since Debian 12 builds it with OpenSSL 3.</summary>
[Long]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[Parallelizable(ParallelScope.All)]
public sealed class OpenSmtpdTests : MailServerTests
{
    /// <summary>It refuses the 101st MAIL of a connection.</summary>
    [TestCase("100")]
    [TestCase("1000")]
    public async Task One_connection_at_a_time_delivers_120_emails(string emailsPerConnection)
    {
        var server = Add(await OpenSmtpdServer.StartAsync());
        using var host = EmailHost.For(server, ("Email__Smtp__PoolSize", "1"), ("Email__Smtp__EmailsPerConnection", emailsPerConnection));

        await SendAsync(host, 120);

        await ExpectDeliveredAsync(server, 120);
    }

    private protected override bool OffersSmtpUtf8 => false;

    private protected override string LoggedConnection => "smtp connected";

    private protected override async Task<MailServer> StartAsync(int mostBytes = 1_000_000) =>
        await OpenSmtpdServer.StartAsync($"smtp max-message-size {mostBytes}");
}
