using System.Net.Http.Json;

namespace Orders.Tests.Email;

/// <summary>
/// Which mail server a program trusts that demands STARTTLS. The runtime reads the system's authorities once in a
/// process, so each test starts one of its own, with an authority in <c>SSL_CERT_FILE</c>.
/// </summary>
public sealed class MailServerTrustTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TestAuthority _authority = new();

    [OneTimeTearDown]
    public void DeleteCertificates() => _authority.Dispose();

    [Test]
    public async Task A_mail_server_with_a_certificate_of_a_trusted_authority_for_its_name_gets_password_and_email()
    {
        await using var mail = FakeSmtpServer.Start(("shop", "s3cret"), _authority.Issue("trusted").Certificate);
        await using var program = await StartAsync(mail, out var address);

        await PlaceOrderAsync(address);

        await mail.WaitForMessages(1);
        Assert.That(mail.Sessions.Select(session => session.IsEncrypted), Is.All.True);
    }

    [Test]
    public async Task One_with_a_certificate_for_another_host_gets_neither()
    {
        await using var mail = FakeSmtpServer.Start(("shop", "s3cret"), _authority.Issue("another", host: "mail.shop.example").Certificate);

        await ExpectNothingIsSentAsync(mail, "RemoteCertificateNameMismatch");
    }

    [Test]
    public async Task One_whose_certificate_has_expired_gets_neither()
    {
        await using var mail = FakeSmtpServer.Start(("shop", "s3cret"), _authority.Issue("expired", expired: true).Certificate);

        await ExpectNothingIsSentAsync(mail, "NotTimeValid");
    }

    [Test]
    public async Task One_whose_authority_is_not_trusted_gets_neither()
    {
        using var stranger = new TestAuthority();
        await using var mail = FakeSmtpServer.Start(("shop", "s3cret"), stranger.Issue("strange").Certificate);

        await ExpectNothingIsSentAsync(mail, "PartialChain");
    }

    private async Task ExpectNothingIsSentAsync(FakeSmtpServer mail, string why)
    {
        await using var program = await StartAsync(mail, out var address);
        var told = program.WaitForLineAsync(why, Patience);
        var held = program.WaitForLineAsync("The mail server cannot be reached since", Patience);

        await PlaceOrderAsync(address);

        // The one order is enough: it is no email's fault, so it waits as long as the mail server is not to be trusted.
        await told;
        await held;
        await mail.WaitFor("the end of the conversations", server => server.Sessions.Any(session => session.IsClosed));
        Assert.That(mail.Sessions.SelectMany(session => session.Commands).Select(line => line.Split(' ')[0]).Distinct(), Is.EquivalentTo(["EHLO", "STARTTLS"]));
    }

    private Task<Server> StartAsync(FakeSmtpServer mail, out Uri address)
    {
        address = new Uri($"http://127.0.0.1:{Ports.Free(1)[0]}");
        return RealProgram.Api.StartAsync(
            ("ASPNETCORE_URLS", address.OriginalString),
            ("SSL_CERT_FILE", _authority.CertificateFile),
            ("Email__Delivery", "Smtp"),
            ("Email__From", "Acorn Shop <orders@shop.example>"),
            ("Email__Smtp__Host", FakeSmtpServer.Host),
            ("Email__Smtp__Port", $"{mail.Port}"),
            ("Email__Smtp__Security", "StartTls"),
            ("Email__Smtp__Username", "shop"),
            ("Email__Smtp__Password", "s3cret"),
            ("Email__Outage__FirstPause", "00:00:00.050"));
    }

    private static async Task PlaceOrderAsync(Uri address)
    {
        using var http = new HttpClient { BaseAddress = address };
        using var response = await http.PostAsJsonAsync("/orders", new { orderId = "1", email = "customer@example.com", product = "Laptop" });
        Assert.That((int)response.StatusCode, Is.EqualTo(202));
    }
}
