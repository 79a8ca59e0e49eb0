using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using MimeKit;
using MimeKit.Cryptography;
using Orders.Email.Dkim;
using Orders.Tests.Email.Check;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Generators;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.OpenSsl;
using Org.BouncyCastle.Security;

namespace Orders.Tests.Email.Dkim;

/// <summary>Emails that are signed, seen as their recipients see them.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class DkimTests
{
    private const string Selector = "mail2026";
    private const string RecordName = $"{Selector}._domainkey.shop.example";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("orders-dkim-");

    private string KeyFile => Path.Combine(_folder.FullName, "key.pem");

    [TearDown]
    public void DeleteFiles() => _folder.Delete(recursive: true);

    [TestCase("rsa", "Hello", "<p>Hello</p>")]
    [TestCase("rsa", ".\n..a dot\n\n.\ntrailing  spaces \t\n\n\n", "<p>Grüße, שלום</p>")]
    [TestCase("ed25519", "Grüße", "<p>.</p>")]
    public async Task A_signature_holds_over_what_the_server_takes(string type, string text, string html)
    {
        WriteKey(type);
        var raw = await SendAsync(text: text, html: html, subject: "Grüße an alle, die eine wirklich sehr lange Betreffzeile lesen wollen");

        Assert.That(Verify(raw), Is.True, raw);
    }

    [Test]
    public async Task A_signature_covers_the_fields_that_count_and_a_second_sender()
    {
        WriteKey("rsa");
        var raw = await SendAsync();

        var field = Load(raw).Headers["DKIM-Signature"]!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(raw, Does.StartWith("DKIM-Signature: v=1; a=rsa-sha256; "));
            Assert.That(field, Does.Contain("d=shop.example;").And.Contain($"s={Selector};").And.Contain("c=relaxed/relaxed;"));
            Assert.That(
                System.Text.RegularExpressions.Regex.Match(field, "h=([^;]*);").Groups[1].Value.ToLowerInvariant().Split(':', StringSplitOptions.TrimEntries),
                Is.EqualTo(["from", "from", "to", "subject", "date", "message-id", "mime-version", "content-type", "auto-submitted"]));
            Assert.That(raw.Split("\r\n").Select(line => line.Length), Has.All.LessThanOrEqualTo(998));
        }
    }

    [TestCase("Subject: ", "Subject: x")]
    [TestCase("From: ", "From: Thief <thief@evil.example>\r\nFrom: ")]
    [TestCase("Hello", "Hell")]
    public async Task A_change_on_the_way_breaks_the_signature(string was, string becomes)
    {
        WriteKey("rsa");
        var raw = await SendAsync();
        Assert.That(Verify(raw), Is.True);

        Assert.That(Verify(raw.Replace($"\r\n{was}", $"\r\n{becomes}", StringComparison.Ordinal)), Is.False);
    }

    [Test]
    public async Task Emails_in_the_pickup_directory_are_signed_as_well()
    {
        WriteKey("rsa");
        using var host = EmailHost.With(
            [("Email__From", "orders@shop.example"), ("Email__PickupDirectory", _folder.FullName), .. Settings()]);
        await host.SendAsync(text: ".\nHello");

        Assert.That(Verify(await File.ReadAllTextAsync(_folder.GetFiles("*.eml").Single().FullName, Encoding.Latin1)), Is.True);
    }

    [TestCase("rsa")]
    [TestCase("ed25519")]
    public async Task Another_program_finds_the_signature_good_and_a_changed_email_bad(string type)
    {
        const string Verifier = "import dkim, sys; record = sys.argv[1].encode(); "
            + "print(all(dkim.verify(open(f, 'rb').read(), dnsfunc=lambda name, timeout=5: record) == (f == sys.argv[2]) for f in sys.argv[2:]))";
        var python = await FindPythonAsync();
        WriteKey(type);
        var raw = await SendAsync(text: ".\nGrüße\n\n", subject: "Grüße", to: "zoë@example.com");
        string[] files = [Path.Combine(_folder.FullName, "good.eml"), Path.Combine(_folder.FullName, "bad.eml")];
        await File.WriteAllTextAsync(files[0], raw, Encoding.Latin1);
        await File.WriteAllTextAsync(files[1], raw.Replace("\r\nTo: ", "\r\nTo: x", StringComparison.Ordinal), Encoding.Latin1);

        var said = await Command.RunAsync(python, ["-c", Verifier, DkimKey.Read(KeyFile).Record, .. files], TimeSpan.FromSeconds(30));

        Assert.That(said.Trim(), Is.EqualTo("True"));
    }

    [Test]
    public async Task A_key_that_changes_is_used_at_once_and_half_of_one_or_a_short_one_is_not()
    {
        WriteKey("rsa");
        await using var server = FakeSmtpServer.Start();
        using var host = EmailHost.For(server, Settings());
        await host.SendAsync("1");
        var first = DkimKey.Read(KeyFile);

        var whole = await File.ReadAllTextAsync(KeyFile);
        await File.WriteAllTextAsync(KeyFile, whole[..(whole.Length / 2)]);
        await host.SendAsync("2");
        WriteKey("rsa", bits: 512);
        await host.SendAsync("3");
        WriteKey("rsa");
        await host.SendAsync("4");

        var keys = new[] { first, first, first, DkimKey.Read(KeyFile) };
        Assert.That(server.Messages.Zip(keys, (mail, key) => Verify(mail.Raw, key)), Is.All.True);
        Assert.That(Verify(server.Messages[3].Raw, first), Is.False);
        Assert.That(host.Logs.At(LogLevel.Warning), Has.One.Contains("the last one signs on"));
    }

    [TestCase("Email__Dkim__Selector", null, "Email__Dkim__Domain, Email__Dkim__Selector and Email__Dkim__PrivateKeyFile must be set together or not at all.")]
    [TestCase("Email__Dkim__Selector", "a b", "Email__Dkim__Selector must be a name like mail2026, but is 'a b'.")]
    [TestCase(
        "Email__Dkim__Domain",
        "other.example",
        "Email__Dkim__Domain must be shop.example, the domain of Email__From, or a parent of it, but is 'other.example': for DMARC, the signature would be a stranger's.")]
    [TestCase(
        "Email__Dkim__Domain",
        "op.example",
        "Email__Dkim__Domain must be shop.example, the domain of Email__From, or a parent of it, but is 'op.example': for DMARC, the signature would be a stranger's.")]
    [TestCase(
        "Email__Dkim__Domain",
        "example",
        "Email__Dkim__Domain must be shop.example, the domain of Email__From, or a parent of it, but is 'example': for DMARC, the signature would be a stranger's.")]
    public async Task A_setting_that_does_no_good_is_refused(string key, string? value, string expected)
    {
        WriteKey("rsa");

        Assert.That(await FindMistakesAsync((key, value)), Is.EqualTo([expected]));
    }

    [TestCase("", "Email__Dkim__PrivateKeyFile cannot be used: there is no private key in it.")]
    [TestCase("nonsense", "Email__Dkim__PrivateKeyFile cannot be used: there is no private key in it.")]
    [TestCase("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "Email__Dkim__PrivateKeyFile cannot be used: it holds no PEM that can be read.")]
    public async Task A_file_without_a_key_is_refused(string content, string expected)
    {
        await File.WriteAllTextAsync(KeyFile, content);

        Assert.That(await FindMistakesAsync(), Is.EqualTo([expected]));
    }

    [Test]
    public async Task A_key_of_another_kind_a_short_one_and_an_encrypted_one_are_refused()
    {
        using var elliptic = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await File.WriteAllTextAsync(KeyFile, elliptic.ExportPkcs8PrivateKeyPem());
        Assert.That(await FindMistakesAsync(), Is.EqualTo(["Email__Dkim__PrivateKeyFile cannot be used: the key must be RSA or Ed25519."]));

        using var rsa = RSA.Create(512);
        await File.WriteAllTextAsync(KeyFile, rsa.ExportRSAPrivateKeyPem());
        Assert.That(await FindMistakesAsync(), Is.EqualTo(["Email__Dkim__PrivateKeyFile cannot be used: the key has 512 bits, and no server takes less than 1024."]));

        await File.WriteAllTextAsync(KeyFile, rsa.ExportEncryptedPkcs8PrivateKeyPem("password", new PbeParameters(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 10)));
        Assert.That(await FindMistakesAsync(), Is.EqualTo(["Email__Dkim__PrivateKeyFile cannot be used: the key is encrypted."]));

        File.Delete(KeyFile);
        Assert.That((await FindMistakesAsync()).Single(), Does.StartWith("Email__Dkim__PrivateKeyFile cannot be used: Could not find file"));
    }

    [Test]
    public async Task A_parent_of_the_senders_domain_may_sign_and_a_short_key_is_a_warning()
    {
        WriteKey("rsa", bits: 1024);
        await using var server = FakeSmtpServer.Start();
        using var host = EmailHost.For(server, [.. Settings(), ("Email__From", "orders@mail.shop.example")]);
        await host.StartAsync();
        await host.SendAsync();

        Assert.That(Verify(server.Messages.Single().Raw), Is.True);
        Assert.That(host.Logs.At(LogLevel.Warning), Has.One.EqualTo("The key of Email__Dkim__PrivateKeyFile has 1024 bits only; make one of 2048"));
    }

    [TestCase("rsa")]
    [TestCase("ed25519")]
    public async Task The_record_of_the_key_fits(string type)
    {
        WriteKey(type);

        var check = await CheckAsync(DkimKey.Read(KeyFile).Record);

        check.Expect("ok", "dkim", $"Emails are signed, and the key at {RecordName} fits.");
        check.ExpectEnd(0, "Emails can be sent.");
    }

    [Test]
    public async Task A_record_with_the_bare_RSA_key_fits_too()
    {
        using var rsa = RSA.Create(2048);
        await File.WriteAllTextAsync(KeyFile, rsa.ExportRSAPrivateKeyPem());

        (await CheckAsync($"p={Convert.ToBase64String(rsa.ExportRSAPublicKey())}")).Expect("ok", "dkim", $"Emails are signed, and the key at {RecordName} fits.");
    }

    [TestCase(null, "Emails are signed, but nobody can see it: there is no key in DNS.")]
    [TestCase("v=DKIM1; p=AAAA|v=DKIM1; p=BBBB", $"{RecordName} has 2 TXT records, and servers take any of them.")]
    [TestCase("v=spf1 -all", $"What DNS has at {RecordName} is no key.")]
    [TestCase("v=DKIM1; p=", $"The key at {RecordName} is revoked: no signature holds.")]
    [TestCase("v=DKIM1; p=AAAA", $"The key at {RecordName} is not that of Email__Dkim__PrivateKeyFile: no signature holds.")]
    [TestCase("v=DKIM1; p=no base64", $"The key at {RecordName} is not that of Email__Dkim__PrivateKeyFile: no signature holds.")]
    [TestCase("{0}; h=sha1", $"The key at {RecordName} is not for emails signed with SHA-256.")]
    public async Task A_record_that_does_not_fit_is_a_warning_with_the_one_that_would(string? record, string expected)
    {
        WriteKey("rsa");
        var right = DkimKey.Read(KeyFile).Record;

        var check = await CheckAsync(record?.Replace("{0}", right, StringComparison.Ordinal).Split('|') ?? []);

        check.Expect("warning", "dkim", $"{expected} Set the TXT record of {RecordName} to '{right}'.");
        check.ExpectEnd(0, "Emails can be sent, with 1 warning.");
    }

    [Test]
    public async Task A_record_that_is_a_test_or_has_a_short_key_is_a_warning()
    {
        WriteKey("rsa");
        (await CheckAsync($"{DkimKey.Read(KeyFile).Record}; t=y:s")).ExpectMatch("warning", "dkim", "says that it is a test");

        WriteKey("rsa", bits: 1024);
        (await CheckAsync(DkimKey.Read(KeyFile).Record)).ExpectMatch("warning", "dkim", "has only 1024 bits");
    }

    private static MimeMessage Load(string raw) => MimeMessage.Load(new MemoryStream(Encoding.Latin1.GetBytes(raw)));

    private static bool Verify(string raw, DkimKey key)
    {
        using var message = Load(raw);
        return new DkimVerifier(new OneKey(key)).Verify(message, message.Headers[message.Headers.IndexOf("DKIM-Signature")]);
    }

    /// <summary>Finds a Python that has the module of Debian's package.</summary>
    private static async Task<string> FindPythonAsync()
    {
        foreach (var folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            var python = Path.Combine(folder, "python3");
            if (File.Exists(python) && (await Command.RunToEndAsync(python, ["-c", "import dkim, nacl"], TimeSpan.FromSeconds(20))).ExitCode == 0)
            {
                return python;
            }
        }

        Needs.Missing("No python3 on the PATH has the module dkim: Debian's package python3-dkim has it.");
        return "";
    }

    private bool Verify(string raw) => Verify(raw, DkimKey.Read(KeyFile));

    private async Task<string> SendAsync(
        string text = "Hello", string html = "<p>Hello</p>", string subject = "Your order", string to = "customer@example.com")
    {
        await using var server = FakeSmtpServer.Start();
        using var host = EmailHost.For(server, Settings());
        await host.SendAsync(to: to, text: text, html: html, subject: subject);
        return server.Messages.Single().Raw;
    }

    private async Task<IEnumerable<string>> FindMistakesAsync(params (string, string?)[] settings)
    {
        using var host = EmailHost.With([("Email__From", "orders@shop.example"), ("Email__PickupDirectory", _folder.FullName), .. Settings(), .. settings]);
        return (await Assert.ThrowsAsync<Microsoft.Extensions.Options.OptionsValidationException>(() => host.SendAsync()))!.Failures;
    }

    private async Task<CheckedMail> CheckAsync(params string[] records)
    {
        await using var server = FakeSmtpServer.Start();
        var dns = FakeDns.Good;
        dns.Texts[RecordName] = records;
        return await CheckedMail.RunAsync(server, Settings(), dns: dns);
    }

    private (string, string?)[] Settings() =>
        [("Email__Dkim__Domain", "shop.example"), ("Email__Dkim__Selector", Selector), ("Email__Dkim__PrivateKeyFile", KeyFile)];

    private void WriteKey(string type, int bits = 2048)
    {
        if (type == "rsa")
        {
            using var rsa = RSA.Create(bits);
            File.WriteAllText(KeyFile, rsa.ExportPkcs8PrivateKeyPem());
            return;
        }

        var generator = new Ed25519KeyPairGenerator();
        generator.Init(new Ed25519KeyGenerationParameters(new SecureRandom()));
        using var file = new StreamWriter(KeyFile);
        using var pem = new PemWriter(file);
        pem.WriteObject(new Pkcs8Generator(generator.GenerateKeyPair().Private));
    }

    /// <summary>DNS that has one key.</summary>
    private sealed class OneKey(DkimKey key) : DkimPublicKeyLocatorBase
    {
        public override AsymmetricKeyParameter LocatePublicKey(string methods, string domain, string selector, CancellationToken cancellationToken = default)
        {
            Assert.That((domain, selector), Is.EqualTo(("shop.example", Selector)));
            return GetPublicKey(key.Record);
        }

        public override Task<AsymmetricKeyParameter> LocatePublicKeyAsync(string methods, string domain, string selector, CancellationToken cancellationToken = default) =>
            Task.FromResult(LocatePublicKey(methods, domain, selector, cancellationToken));
    }
}
