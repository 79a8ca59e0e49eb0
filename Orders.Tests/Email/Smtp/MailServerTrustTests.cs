using System.Net.Http.Json;
using Orders.Email;

namespace Orders.Tests.Email.Smtp;

/// <summary>Which mail server is trusted where TLS is demanded.</summary>
public sealed class MailServerTrustTests
{
    private readonly TestAuthority _authority = new();

    [OneTimeTearDown]
    public void DeleteCertificates() => _authority.Dispose();

    /// <summary>The runtime reads the system's authorities once in a process, hence a process for this.</summary>
    [Test]
    public async Task A_mail_server_with_a_certificate_of_an_authority_that_the_system_trusts_gets_password_and_email()
    {
        await using var mail = FakeSmtpServer.Start(("shop", "s3cret"), _authority.Issue("trusted").Certificate);
        var address = new Uri($"http://127.0.0.1:{Ports.Free(1)[0]}");
        await using var program = await RealProgram.Api.StartAsync(
            ("ASPNETCORE_URLS", address.OriginalString),
            ("SSL_CERT_FILE", _authority.CertificateFile),
            ("Email__Delivery", "Smtp"),
            ("Email__From", "Acorn Shop <orders@shop.example>"),
            ("Email__Smtp__Host", FakeSmtpServer.Host),
            ("Email__Smtp__Port", $"{mail.Port}"),
            ("Email__Smtp__Security", "StartTls"),
            ("Email__Smtp__Username", "shop"),
            ("Email__Smtp__Password", "s3cret"));

        using var http = new HttpClient { BaseAddress = address };
        using var response = await http.PostAsJsonAsync("/orders", new { orderId = "1", email = "customer@example.com", product = "Laptop" });
        Assert.That((int)response.StatusCode, Is.EqualTo(202));

        await mail.WaitForMessages(1);
        Assert.That(mail.Sessions.Select(session => session.IsEncrypted), Is.All.True);
    }

    [Test]
    public async Task One_with_a_certificate_for_another_host_gets_neither([Values("StartTls", "Tls")] string security) =>
        await ExpectNothingIsSentAsync(_authority.Issue("another", host: "mail.shop.example"), security, "The certificate of 127.0.0.1 is refused: it is not for 127.0.0.1.");

    [Test]
    public async Task One_whose_certificate_has_expired_gets_neither([Values("StartTls", "Tls")] string security) =>
        await ExpectNothingIsSentAsync(_authority.Issue("expired", expired: true), security, "The certificate of 127.0.0.1 is refused: certificate has expired");

    [Test]
    public async Task One_whose_authority_is_not_trusted_gets_neither([Values("StartTls", "Tls")] string security)
    {
        using var stranger = new TestAuthority();
        await ExpectNothingIsSentAsync(stranger.Issue("strange"), security, "The certificate of 127.0.0.1 is refused: unable to get local issuer certificate");
    }

    [Test]
    public async Task One_that_speaks_in_clear_where_TLS_is_expected_gets_neither()
    {
        await using var mail = FakeSmtpServer.Start(("shop", "s3cret"));
        using var host = Host(mail, "Tls");

        var failure = await Assert.ThrowsAsync<MailServerRefusedUsException>(() => host.SendAsync());

        Assert.That(failure!.Message, Does.Contain("no encrypted connection"));
        Assert.That(mail.Messages, Is.Empty);
    }

    private async Task ExpectNothingIsSentAsync(IssuedCertificate certificate, string security, string why)
    {
        await using var mail = FakeSmtpServer.Start(("shop", "s3cret"), certificate.Certificate, implicitTls: security == "Tls");
        using var host = Host(mail, security);

        var failure = await Assert.ThrowsAsync<MailServerRefusedUsException>(() => host.SendAsync());

        Assert.That(failure!.Message, Does.Contain(why));
        Assert.That(failure.WasLetIn, Is.False);
        await mail.WaitFor("the end of the conversation", server => server.Sessions.Any(session => session.IsClosed));
        Assert.That(mail.Sessions.SelectMany(session => session.Commands).Select(line => line.Split(' ')[0]).Distinct(), Is.SubsetOf(["EHLO", "STARTTLS"]));
    }

    private EmailHost Host(FakeSmtpServer mail, string security) => EmailHost.For(
        mail,
        ("Email__Smtp__Security", security),
        ("Email__Smtp__CertificateAuthorityFile", _authority.CertificateFile),
        ("Email__Smtp__Username", "shop"),
        ("Email__Smtp__Password", "s3cret"));
}
