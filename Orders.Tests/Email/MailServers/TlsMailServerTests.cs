using Orders.Email;
using Orders.Testing.Mail.Servers;

namespace Orders.Tests.Email.MailServers;

/// <summary>What holds as well for every real mail server that encrypts.</summary>
public abstract class TlsMailServerTests : MailServerTests
{
    [Test]
    public async Task By_TLS_emails_arrive_where_the_authority_is_ours([Values] bool isImplicit)
    {
        using var authority = new TestAuthority();
        var server = Add(await StartWithTlsAsync(new MailServerTls(authority.Issue("server"), isImplicit)));
        using var host = WithTls(server, authority, isImplicit);

        await SendAsync(host, 20);

        await ExpectDeliveredAsync(server, 20);
    }

    [Test]
    public async Task By_TLS_nothing_goes_to_a_server_with_the_wrong_certificate([Values] bool isImplicit, [Values("expired", "other.example")] string flaw)
    {
        using var authority = new TestAuthority();
        var certificate = flaw == "expired" ? authority.Issue("server", expired: true) : authority.Issue("server", host: flaw);
        var server = Add(await StartWithTlsAsync(new MailServerTls(certificate, isImplicit)));
        using var host = WithTls(server, authority, isImplicit);

        var failure = await Assert.ThrowsAsync<MailServerRefusedUsException>(() => host.SendAsync());

        Assert.That(failure!.Message, Does.Contain("certificate"));
        await ExpectDeliveredAsync(server, 0);
    }

    /// <summary>Starts the server, which encrypts.</summary>
    private protected abstract Task<MailServer> StartWithTlsAsync(MailServerTls tls);

    private static EmailHost WithTls(MailServer server, TestAuthority authority, bool isImplicit) => EmailHost.For(
        server,
        ("Email__Smtp__Security", isImplicit ? "Tls" : "StartTls"),
        ("Email__Smtp__CertificateAuthorityFile", authority.CertificateFile));
}
