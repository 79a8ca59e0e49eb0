using Microsoft.Extensions.Logging;
using Orders.Email;

namespace Orders.Tests.Email;

/// <summary>A copy of the system for staging: no email reaches its recipient.</summary>
public sealed class RedirectedEmailSenderTests
{
    private const string Staging = "staging@shop.example";

    [TestCase("customer@example.com", "[to customer@example.com] Your order")]
    [TestCase("customer@bücher.example", "[to customer@xn--bcher-kva.example] Your order")]
    public async Task Every_email_goes_to_one_address_and_its_subject_names_the_recipient(string recipient, string subject)
    {
        await using var server = FakeSmtpServer.Start();
        using var host = EmailHost.For(server, ("Email__RedirectAllTo", Staging));
        await host.StartAsync();

        await host.SendAsync(to: recipient);

        var mail = (await server.WaitForMessages(1))[0];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(mail.Recipients, Is.EqualTo([Staging]));
            Assert.That(mail.Header("To"), Is.EqualTo(Staging));
            Assert.That(mail.Subject, Is.EqualTo(subject));
            Assert.That(mail.MessageId, Is.EqualTo("<1@shop.example>"));
            Assert.That(host.Logs.At(LogLevel.Warning), Has.One.StartsWith("No email reaches its recipient"));
            Assert.That(host.Logs.All.Where(entry => entry.Level > LogLevel.Debug).Select(entry => entry.Message), Has.None.Contains("customer@"));
        }
    }

    [Test]
    public async Task What_could_not_be_sent_to_its_recipient_is_not_sent()
    {
        await using var server = FakeSmtpServer.Start();
        using var host = EmailHost.For(server, ("Email__RedirectAllTo", Staging));
        await host.StartAsync();

        await Assert.ThrowsAsync<PermanentEmailException>(() => host.SendAsync(to: "nobody"));
        Assert.That(server.Messages, Is.Empty);
    }

    [Test]
    public async Task Nothing_is_said_where_nothing_is_redirected()
    {
        using var host = EmailHost.With(("Email__RedirectAllTo", ""));
        await host.StartAsync();

        Assert.That(host.Logs.At(LogLevel.Warning), Is.Empty);
    }
}
