using Microsoft.Extensions.Options;

namespace Orders.Tests.Email;

public sealed class EmailOptionsTests
{
    private static readonly (string, string?)[] Smtp =
        [("Email__Delivery", "Smtp"), ("Email__From", "orders@shop.example"), ("Email__Smtp__Host", "mail.example.com")];

    [Test]
    public async Task Nothing_has_to_be_configured()
    {
        using var host = EmailHost.With();
        await host.StartAsync();
        Assert.That(host.Sender.GetType().Name, Is.EqualTo("PickupDirectoryEmailSender"));
    }

    [Test]
    public async Task A_complete_configuration_for_SMTP_starts()
    {
        using var host = EmailHost.With(
        [
            .. Smtp,
            ("Email__From", "Acorn & Oak <orders@shop.example>"),
            ("Email__MaxPerSecond", "0.5"),
            ("Email__Smtp__Port", "587"),
            ("Email__Smtp__Security", "starttls"),
            ("Email__Smtp__Username", "shop"),
            ("Email__Smtp__Password", "s3cret"),
            ("Email__Smtp__PoolSize", "32"),
            ("Email__Smtp__ConnectTimeout", "00:00:05"),
            ("Email__Smtp__EnvelopeTimeout", "00:00:20"),
            ("Email__Smtp__ContentTimeout", "00:05:00"),
            ("Email__Smtp__IdleTimeout", "00:00:10"),
        ]);
        await host.StartAsync();
        Assert.That(host.Sender.GetType().Name, Is.EqualTo("PooledEmailSender"));
    }

    [TestCase("Email__Smtp__Host", null, "Email__Smtp__Host is required when Email__Delivery is Smtp.")]
    [TestCase("Email__From", null, "Email__From is required when Email__Delivery is Smtp.")]
    [TestCase("Email__From", "", "Email__From is required when Email__Delivery is Smtp.")]
    [TestCase("Email__From", "not an address", "Email__From must be one address")]
    [TestCase("Email__From", "zoë@shop.example", "Email__From must be one address")]
    [TestCase("Email__From", "a@shop.example, b@shop.example", "Email__From must be one address")]
    [TestCase("Email__RedirectAllTo", "Staging <staging@shop.example>", "Email__RedirectAllTo must be one address, like staging@example.com.")]
    [TestCase("Email__RedirectAllTo", "a@shop.example, b@shop.example", "Email__RedirectAllTo must be one address")]
    [TestCase("Email__IdempotencyHeader", "Two words", "Email__IdempotencyHeader must be the name of a header field that emails do not have yet, like Resend-Idempotency-Key, but is 'Two words'.")]
    [TestCase("Email__IdempotencyHeader", "Key:", "Email__IdempotencyHeader must be the name of a header field")]
    [TestCase("Email__IdempotencyHeader", "bcc", "Email__IdempotencyHeader must be the name of a header field")]
    [TestCase("Email__Delivery", "Pigeon", "Email__Delivery must be PickupDirectory or Smtp, but is 'Pigeon'.")]
    [TestCase("Email__Delivery", "7", "Email__Delivery must be PickupDirectory or Smtp, but is '7'.")]
    [TestCase("Email__MaxPerSecond", "-1", "Email__MaxPerSecond must be 0.1 to 10000, or 0 for no limit, but is -1.")]
    [TestCase("Email__MaxPerSecond", "0.05", "Email__MaxPerSecond must be 0.1 to 10000, or 0 for no limit, but is 0.05.")]
    [TestCase("Email__MaxPerSecond", "10001", "Email__MaxPerSecond must be 0.1 to 10000")]
    [TestCase("Email__MaxPerSecond", "NaN", "Email__MaxPerSecond must be 0.1 to 10000")]
    [TestCase("Email__MaxPerSecond", "Infinity", "Email__MaxPerSecond must be 0.1 to 10000")]
    [TestCase("Email__MaxPerSecond", "fast", "Email__MaxPerSecond must be a number, but is 'fast'.")]
    [TestCase("Email__Smtp__Security", "Ssl", "Email__Smtp__Security must be None, StartTls or Tls, but is 'Ssl'.")]
    [TestCase("Email__Smtp__Port", "465", "Email__Smtp__Security must be Tls when Email__Smtp__Port is 465")]
    [TestCase("Email__Smtp__Authentication", "Ntlm", "Email__Smtp__Authentication must be Auto, ScramSha512, ScramSha256, ScramSha1, CramMd5, Plain or Login, but is 'Ntlm'.")]
    [TestCase("Email__Smtp__EhloName", "not a name", "Email__Smtp__EhloName must be a full name like worker.shop.example, or an address, but is 'not a name'.")]
    [TestCase("Email__Smtp__EmailsPerConnection", "0", "Email__Smtp__EmailsPerConnection must be 1 or more, but is 0.")]
    [TestCase("Email__Smtp__CertificateAuthorityFile", "ca.pem", "Email__Smtp__CertificateAuthorityFile needs Email__Smtp__Security to be StartTls or Tls.")]
    [TestCase("Email__Smtp__KeyFile", "key.pem", "Email__Smtp__KeyFile needs Email__Smtp__Security to be StartTls or Tls.")]
    [TestCase("Email__Smtp__Port", "0", "Email__Smtp__Port must be 1 to 65535, but is 0.")]
    [TestCase("Email__Smtp__Port", "70000", "Email__Smtp__Port must be 1 to 65535")]
    [TestCase("Email__Smtp__PoolSize", "0", "Email__Smtp__PoolSize must be")]
    [TestCase("Email__Smtp__ConnectTimeout", "00:00:00", "Email__Smtp__ConnectTimeout must be")]
    [TestCase("Email__Smtp__EnvelopeTimeout", "-00:00:01", "Email__Smtp__EnvelopeTimeout must be")]
    [TestCase("Email__Smtp__ContentTimeout", "365.00:00:00", "Email__Smtp__ContentTimeout must be")]
    [TestCase("Email__Outage__FirstPause", "00:00:00", "Email__Outage__FirstPause must be between 00:00:00.010 and 00:05:00")]
    [TestCase("Email__Outage__LongestPause", "00:00:00.5", "Email__Outage__LongestPause must be between Email__Outage__FirstPause and 01:00:00")]
    [TestCase("Email__Outage__Suspects", "0", "Email__Outage__Suspects must be 1 to 1000, but is 0.")]
    [TestCase("Email__Smtp__IdleTimeout", "-00:00:01", "Email__Smtp__IdleTimeout must not be negative")]
    [TestCase("Email__Smtp__Password", "s3cret", "Email__Smtp__Username and Email__Smtp__Password (or Email__Smtp__PasswordFile) must be set together")]
    [TestCase("Email__Smtp__Username", "shop", "Email__Smtp__Username and Email__Smtp__Password (or Email__Smtp__PasswordFile) must be set together")]
    public void A_mistake_stops_the_start_and_is_named_by_its_variable(string key, string? value, string message)
    {
        using var host = EmailHost.With([.. Smtp, (key, value)]);

        Assert.That(host.StartAsync, Throws.InstanceOf<OptionsValidationException>().With.Message.Contains(message));
    }

    [TestCase("Email__Smtp__CertificateAuthorityFile", "nowhere.pem", "Email__Smtp__CertificateAuthorityFile cannot be read: ")]
    [TestCase("Email__Smtp__CertificateFile", "nowhere.pem", "Email__Smtp__CertificateFile and Email__Smtp__KeyFile must be set together or not at all.")]
    public void So_does_a_file_that_TLS_needs_and_that_is_not_there(string key, string file, string message)
    {
        using var host = EmailHost.With([.. Smtp, ("Email__Smtp__Security", "Tls"), ("Email__Smtp__Port", "465"), (key, file)]);

        Assert.That(host.StartAsync, Throws.InstanceOf<OptionsValidationException>().With.Message.Contains(message));
    }

    [Test]
    public void A_password_is_not_sent_in_clear_to_another_machine()
    {
        using var host = EmailHost.With([.. Smtp, ("Email__Smtp__Username", "shop"), ("Email__Smtp__Password", "s3cret")]);

        Assert.That(
            host.StartAsync,
            Throws.InstanceOf<OptionsValidationException>().With.Message.Contains("Email__Smtp__Security must be StartTls or Tls").And.Message.Not.Contain("s3cret"));
    }

    [Test]
    public async Task Nor_is_one_from_a_file()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "s3cret\n");
        using var host = EmailHost.With([.. Smtp, ("Email__Smtp__Username", "shop"), ("Email__Smtp__PasswordFile", file)]);

        Assert.That(
            host.StartAsync,
            Throws.InstanceOf<OptionsValidationException>().With.Message.Contains("Email__Smtp__Security must be StartTls or Tls").And.Message.Not.Contain("s3cret"));
        File.Delete(file);
    }

    [TestCase("localhost")]
    [TestCase("127.0.0.1")]
    [TestCase("::1")]
    public void To_the_same_machine_it_is(string hostName)
    {
        using var host = EmailHost.With([.. Smtp, ("Email__Smtp__Host", hostName), ("Email__Smtp__Username", "shop"), ("Email__Smtp__Password", "s3cret")]);

        Assert.That(host.StartAsync, Throws.Nothing);
    }

    [Test]
    public void An_empty_pickup_directory_stops_the_start()
    {
        using var host = EmailHost.With(("Email__PickupDirectory", " "));

        Assert.That(host.StartAsync, Throws.InstanceOf<OptionsValidationException>().With.Message.Contains("Email__PickupDirectory is required"));
    }

    [Test]
    public void A_misspelt_key_stops_the_start()
    {
        using var host = EmailHost.With([.. Smtp, ("Email__Smtp__Hots", "mail.example.com")]);

        Assert.That(
            host.StartAsync,
            Throws.InstanceOf<OptionsValidationException>().With.Message.Contains("Email__Smtp__Hots is not a setting. There are Email__Smtp__Host,"));
    }
}
