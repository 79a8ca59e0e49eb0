using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging;
using Orders.Email;

namespace Orders.Tests.Email.Smtp;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class SmtpEmailSenderTests
{
    private const string Customer = "customer@example.com";

    private FakeSmtpServer _server = null!;
    private EmailHost? _host;

    [SetUp]
    public void StartServer() => _server = FakeSmtpServer.Start();

    [TearDown]
    public async Task StopServer()
    {
        _host?.Dispose();
        await _server.DisposeAsync();
    }

    [Test]
    public async Task An_email_arrives_with_its_envelope_its_headers_and_both_parts()
    {
        await Host().SendAsync("order-confirmation-1", subject: "Your order 1", text: "Hello\nyou", html: "<p>Hello</p>");

        var mail = _server.Messages.Single();
        Assert.Multiple(() =>
        {
            Assert.That(mail.From, Is.EqualTo("orders@shop.example"));
            Assert.That(mail.Recipients, Is.EqualTo(new[] { Customer }));
            Assert.That(mail.MessageId, Is.EqualTo("<order-confirmation-1@shop.example>"));
            Assert.That(mail.Subject, Is.EqualTo("Your order 1"));
            Assert.That(mail.Header("From"), Is.EqualTo("Acorn Shop <orders@shop.example>").Or.EqualTo("\"Acorn Shop\" <orders@shop.example>"));
            Assert.That(mail.Header("To"), Is.EqualTo(Customer));
            Assert.That(mail.Header("Auto-Submitted"), Is.EqualTo("auto-generated"));
            Assert.That(mail.Header("MIME-Version"), Is.EqualTo("1.0"));
            Assert.That(mail.Header("Content-Type"), Does.StartWith("multipart/alternative;"));
            Assert.That(DateTimeOffset.Parse(mail.Header("Date"), System.Globalization.CultureInfo.InvariantCulture), Is.EqualTo(DateTimeOffset.UtcNow).Within(5).Minutes);
            Assert.That(mail.Parts.Select(part => part.MediaType), Is.EqualTo(new[] { "text/plain", "text/html" }), "the richest last");
            Assert.That(mail.Text.TrimEnd(), Is.EqualTo("Hello\r\nyou"));
            Assert.That(mail.Html.TrimEnd(), Is.EqualTo("<p>Hello</p>"));
        });
    }

    [TestCase("plain")]
    [TestCase("Zoë’s 💻 → 日本語 שלום مرحبا 👩‍👩‍👧")]
    [TestCase("=?utf-8?B?aGFjaw==?= =E4 100% =3D")]
    [TestCase("a lone surrogate \ud800 here")]
    public async Task Any_text_arrives_as_it_was_in_pure_ASCII_and_short_lines(string text)
    {
        var body = $".\r\n..\r\n.{text}\r\nFrom here\r\n{string.Concat(Enumerable.Repeat(text, 300))}\r\n.\r\n";
        await Host().SendAsync(subject: text, text: body, html: $"<p>{body}</p>");

        var mail = _server.Messages.Single();
        var expected = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(body));
        Assert.Multiple(() =>
        {
            Assert.That(mail.Raw, Has.All.LessThan((char)128));
            Assert.That(mail.Raw.Split("\r\n"), Has.All.Length.LessThanOrEqualTo(998));
            Assert.That(mail.Raw.Replace("\r\n", ""), Does.Not.Contain('\r').And.Not.Contain('\n'));
            Assert.That(mail.Text.TrimEnd(), Is.EqualTo(expected.TrimEnd()));
            Assert.That(mail.Html.TrimEnd(), Is.EqualTo($"<p>{expected}</p>"));
        });
    }

    [TestCase("X-Key", "delivery:order-confirmation:1", "delivery:order-confirmation:1")]
    [TestCase("X-Key", null, null, Description = "An alert.")]
    [TestCase("", "delivery:order-confirmation:1", null)]
    public async Task A_header_field_carries_the_idempotency_key(string header, string? key, string? expected)
    {
        var email = new EmailMessage("<1@shop.example>", Customer, "Hello", "Hello", "<p>Hello</p>") { Notification = "test", IdempotencyKey = key };
        _host = EmailHost.For(_server, ("Email__IdempotencyHeader", header));
        await _host.Sender.SendAsync(email, CancellationToken.None);

        Assert.That(_server.Messages.Single().Headers.ToLookup(field => field.Key, field => field.Value)["X-Key"].SingleOrDefault(), Is.EqualTo(expected));
    }

    [Test]
    public async Task A_field_that_programs_read_stays_as_it_is_however_long_it_is()
    {
        var email = new EmailMessage($"<order-confirmation-{new string('1', 100)}@mail.shop.example>", $"{new string('a', 64)}@mail.customer.example", "Hello", "Hello", "<p>Hello</p>")
        {
            Notification = "test",
            IdempotencyKey = $"delivery:order-confirmation:{new string('1', 100)}",
        };
        _host = EmailHost.For(_server, ("Email__IdempotencyHeader", "X-Key"));
        await _host.Sender.SendAsync(email, CancellationToken.None);

        var mail = _server.Messages.Single();
        Assert.That(mail.Raw, Does.Contain($"Message-ID: {email.MessageId}\r\n").And.Contain($"To: {email.To}\r\n").And.Contain($"X-Key: {email.IdempotencyKey}\r\n"));
    }

    [TestCase(SmtpStep.Mail, "251 2.1.0 Fine")]
    [TestCase(SmtpStep.Recipient, "252 2.1.5 We shall see")]
    public async Task Every_reply_2xx_is_consent(SmtpStep step, string reply)
    {
        _server.On(step, reply);

        await Host().SendAsync();
    }

    [Test]
    public async Task Nothing_that_comes_from_outside_adds_a_header()
    {
        await Host().SendAsync("1\r\nBcc: thief@example.net\r\nX", subject: "Hello\r\nBcc: thief@example.net\r\n\r\nBody\0\u0085\u2028");

        var mail = _server.Messages.Single();
        Assert.That(mail.Headers.Select(h => h.Key), Has.None.EqualTo("Bcc"));
        Assert.That(mail.Recipients, Has.Exactly(1).Items);
        Assert.That(mail.Subject, Does.StartWith("HelloBcc: thief@example.netBody"));
    }

    [TestCase("")]
    [TestCase("nobody")]
    [TestCase("a@b@c")]
    [TestCase("a@example.com,b@example.com")]
    [TestCase("Customer <customer@example.com>")]
    [TestCase("<customer@example.com>")]
    [TestCase(" customer@example.com")]
    [TestCase("customer@example.com\r\nRCPT TO:<thief@example.net>")]
    [TestCase("customer\0@example.com")]
    [TestCase("\"a\rb\"@example.com")]
    [TestCase("zo\u200be@example.com")]
    [TestCase("zo\u00a0e@example.com")]
    [TestCase("\u202ezoe@example.com")]
    [TestCase("zoe\u0085@example.com")]
    [TestCase("\ud83d@example.com")]
    public async Task An_address_that_no_server_would_take_is_refused_for_good_before_anything_is_sent(string address)
    {
        var failure = await Assert.ThrowsAsync<PermanentEmailException>(() => Host().SendAsync(to: address));

        Assert.That(failure!.Message, Does.Not.Contain("example"));
        Assert.That(_server.Sessions, Is.Empty);
    }

    [Test]
    public async Task An_address_may_have_254_characters_but_not_255()
    {
        var domain = string.Join('.', Enumerable.Repeat(new string('d', 60), 3)) + ".example";
        await Host().SendAsync(to: $"{new string('a', 254 - domain.Length - 1)}@{domain}");

        await Assert.ThrowsAsync<PermanentEmailException>(() => Host().SendAsync(to: $"{new string('a', 255 - domain.Length - 1)}@{domain}"));
        Assert.That(_server.Messages.Single().Recipients.Single(), Has.Length.EqualTo(254));
    }

    [Test]
    public async Task A_domain_in_Unicode_is_sent_in_its_ASCII_form()
    {
        await Host().SendAsync(to: "customer@bücher.example");

        Assert.That(_server.Messages.Single().Recipients.Single(), Is.EqualTo("customer@xn--bcher-kva.example"));
        Assert.That(_server.Messages.Single().Header("To"), Is.EqualTo("customer@xn--bcher-kva.example"));
    }

    [TestCase("zoë@example.com", "PIPELINING")]
    [TestCase("用户@例子.example", "PIPELINING")]
    [TestCase("أحمد@example.com", "8BITMIME")]
    [TestCase("🦊@example.com", "SIZE 100000")]
    public async Task An_address_in_Unicode_goes_to_a_server_that_offers_SMTPUTF8_as_it_is(string address, string extension)
    {
        _server.Extensions = ["SMTPUTF8", extension];

        await Host().SendAsync("1", address);
        await Host().SendAsync("2");

        var recipient = address.Replace("例子", "xn--fsqu00a", StringComparison.Ordinal);
        var mail = _server.Messages[0];
        var commands = _server.Sessions.Single().Commands.Where(line => line.StartsWith("MAIL", StringComparison.Ordinal)).ToList();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(mail.Recipients, Is.EqualTo([recipient]));
            Assert.That(mail.To, Is.EqualTo(recipient));
            Assert.That(commands[0], Does.EndWith(" BODY=8BITMIME SMTPUTF8"));
            Assert.That(commands[1], Does.Not.Contain("BODY").And.Not.Contain("SMTPUTF8"), "It is asked for only where it is needed.");
        }
    }

    [Test]
    public async Task An_address_in_Unicode_is_refused_for_good_where_the_server_does_not_offer_SMTPUTF8()
    {
        _server.Extensions = ["PIPELINING"];
        for (var i = 0; i < 3; i++)
        {
            var failure = await Assert.ThrowsAsync<PermanentEmailException>(() => Host().SendAsync("1", "zoë@example.com"));
            Assert.That(failure!.Message, Does.Contain("SMTPUTF8").And.Not.Contain("zoë"));
        }

        await Host().SendAsync("2");

        Assert.That(_server.Messages.Single().MessageId, Is.EqualTo("<2@shop.example>"));
        Assert.That(_server.Sessions.Single().Commands.Select(line => line.Split(' ')[0]), Is.EqualTo(["EHLO", "MAIL", "RCPT", "DATA"]));
    }

    [Test]
    public async Task An_address_in_Unicode_may_have_254_bytes_but_not_255()
    {
        _server.Extensions = ["SMTPUTF8"];
        var domain = string.Join('.', Enumerable.Repeat(new string('d', 60), 3)) + ".example";
        var longest = new string('ë', (254 - domain.Length - 1) / 2);
        await Host().SendAsync(to: $"{longest}@{domain}");

        await Assert.ThrowsAsync<PermanentEmailException>(() => Host().SendAsync(to: $"{longest}ë@{domain}"));
        Assert.That(_server.Messages.Single().Recipients.Single(), Does.StartWith(longest));
    }

    [TestCase(SmtpStep.Recipient, "550 5.1.1 No such user")]
    [TestCase(SmtpStep.Recipient, "551 5.1.6 Moved")]
    [TestCase(SmtpStep.Recipient, "552 5.2.2 Mailbox full")]
    [TestCase(SmtpStep.Recipient, "553 5.1.3 Bad address syntax")]
    [TestCase(SmtpStep.Recipient, "554 5.7.1 Rejected")]
    [TestCase(SmtpStep.Recipient, "556 5.1.10 Takes no mail")]
    [TestCase(SmtpStep.Recipient, "501 5.1.3 Syntax")]
    [TestCase(SmtpStep.Mail, "552 5.3.4 Too big")]
    [TestCase(SmtpStep.Data, "554 5.5.1 No valid recipients")]
    [TestCase(SmtpStep.EndOfData, "554 5.7.1 Looks like spam")]
    [TestCase(SmtpStep.EndOfData, "550 5.7.1 Looks like spam")]
    public async Task A_reply_5xx_on_the_recipient_or_the_email_is_permanent(SmtpStep step, string reply)
    {
        _server.On(step, reply);

        var failure = await Assert.ThrowsAsync<PermanentEmailException>(() => Host().SendAsync());

        Assert.That(failure!.Message, Does.Contain(reply[..3]).And.Contain(reply[4..]));
        Assert.That(Host().Logs.At(LogLevel.Error), Is.Empty);
    }

    [TestCase(SmtpStep.Connect, "421 4.3.2 Busy")]
    [TestCase(SmtpStep.Ehlo, "421 4.3.2 Busy")]
    [TestCase(SmtpStep.Mail, "421 4.3.2 Busy")]
    [TestCase(SmtpStep.Mail, "450 4.3.0 Try later")]
    [TestCase(SmtpStep.Recipient, "450 4.2.0 Greylisted")]
    [TestCase(SmtpStep.Recipient, "451 4.3.0 Try later")]
    [TestCase(SmtpStep.Recipient, "452 4.2.2 Mailbox full")]
    [TestCase(SmtpStep.Recipient, "421 4.3.2 Busy")]
    [TestCase(SmtpStep.Data, "451 4.3.0 Try later")]
    [TestCase(SmtpStep.EndOfData, "452 4.3.1 Disk full")]
    [TestCase(SmtpStep.Mail, "not a reply at all")]
    [TestCase(SmtpStep.EndOfData, "399 What")]
    public async Task A_reply_4xx_or_none_at_all_is_transient(SmtpStep step, string reply)
    {
        _server.On(step, reply);

        await Assert.CatchAsync<TransientEmailException>(() => Host().SendAsync());
        Assert.That(Host().Logs.At(LogLevel.Error), Is.Empty);
    }

    [TestCase(SmtpStep.Connect, false)]
    [TestCase(SmtpStep.Ehlo, false)]
    [TestCase(SmtpStep.Mail, false)]
    [TestCase(SmtpStep.Recipient, false)]
    [TestCase(SmtpStep.Data, false)]
    [TestCase(SmtpStep.Content, true)]
    [TestCase(SmtpStep.EndOfData, true)]
    public async Task A_connection_that_ends_without_a_reply_is_transient_and_from_the_content_on_the_outcome_is_unknown(SmtpStep step, bool isUnknown)
    {
        _server.On(step, SmtpReply.Drop);

        var failure = await Assert.CatchAsync<TransientEmailException>(() => Host().SendAsync());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_server.Sessions, Has.Count.EqualTo(1), "not tried again: it was a fresh connection");
            Assert.That(failure!.IsOutcomeUnknown, Is.EqualTo(isUnknown));
        }
    }

    [TestCase("421 4.3.2 Busy")]
    [TestCase("451 4.3.0 Try again later")]
    [TestCase("554 5.6.0 No")]
    public async Task A_reply_leaves_no_doubt(string reply)
    {
        _server.On(SmtpStep.EndOfData, reply);

        Assert.That((await Assert.CatchAsync<EmailException>(() => Host().SendAsync()))!.IsOutcomeUnknown, Is.False);
    }

    [Test]
    public async Task A_server_that_is_down_is_transient_and_found_again_when_it_is_back()
    {
        await _server.Stop();
        var failure = await Assert.CatchAsync<TransientEmailException>(() => Host().SendAsync());
        Assert.That(failure!.Message, Does.Contain("refused"));

        _server.Restart();
        await Host().SendAsync();
        Assert.That(_server.Messages, Has.Count.EqualTo(1));
    }

    [TestCase(SmtpStep.Connect, "554 5.7.1 Your address is on a list")]
    [TestCase(SmtpStep.Connect, "521 No mail here")]
    [TestCase(SmtpStep.Ehlo, "550 5.7.1 Your name is odd")]
    [TestCase(SmtpStep.Mail, "530 5.7.0 Authentication required")]
    [TestCase(SmtpStep.Recipient, "521 5.3.2 No mail here")]
    [TestCase(SmtpStep.Mail, "450 4.1.8 <orders@shop.example>: Sender address rejected: Domain not found")]
    [TestCase(SmtpStep.Mail, "550 5.7.1 You may not send as this")]
    [TestCase(SmtpStep.Recipient, "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname")]
    [TestCase(SmtpStep.Recipient, "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org")]
    [TestCase(SmtpStep.Recipient, "550 5.1.8 <orders@shop.example>: Sender address rejected: Domain not found")]
    [TestCase(SmtpStep.Recipient, "550 relay not permitted")]
    [TestCase(SmtpStep.EndOfData, "550 5.1.8 Access denied, bad outbound sender")]
    public async Task A_server_that_refuses_us_rather_than_the_email_costs_nobody_theirs(SmtpStep step, string reply)
    {
        _server.On(step, reply);

        await Assert.CatchAsync<TransientEmailException>(() => Host().SendAsync());
        Assert.That(Host().Logs.At(LogLevel.Error).Single(), Does.Contain("Email__Smtp__").And.Contain(reply[..3]));
    }

    [TestCase(SmtpStep.Mail, "451 4.7.1 Too much mail from you")]
    [TestCase(SmtpStep.Recipient, "451 4.7.500 Server busy")]
    [TestCase(SmtpStep.EndOfData, "550 5.7.1 Quota exceeded")]
    [TestCase(SmtpStep.EndOfData, "454 Throttling failure: Maximum sending rate exceeded")]
    public async Task A_server_that_slows_us_down_is_told_from_one_that_refuses_the_email(SmtpStep step, string reply)
    {
        _server.On(step, reply);

        var failure = await Assert.ThrowsAsync<MailServerPutsUsOffException>(() => Host().SendAsync());
        Assert.That(failure!.Message, Does.StartWith($"The mail server takes no more from us for now, with {reply[..3]}"));
    }

    [Test]
    public async Task A_connection_that_has_carried_as_many_emails_as_it_may_is_replaced_without_a_failure()
    {
        await Host().SendAsync("1");
        _server.Once(SmtpStep.Mail, "452 4.5.3 Too many recipients");

        await Host().SendAsync("2");

        Assert.That((_server.Messages.Count, _server.Sessions.Count), Is.EqualTo((2, 2)));
    }

    [Test]
    public async Task It_authenticates_where_a_user_name_is_configured()
    {
        await using var server = FakeSmtpServer.Start(("shop", "s3cret"));
        using var host = EmailHost.For(server, ("Email__Smtp__Username", "shop"), ("Email__Smtp__Password", "s3cret"));

        await host.SendAsync();

        Assert.That(server.Messages, Has.Count.EqualTo(1));
    }

    [TestCase(null)]
    [TestCase("554 5.7.1 <customer@example.com>: Relay access denied")]
    public async Task Refused_credentials_are_transient_and_an_error_each_time(string? refusalOfRecipient)
    {
        await using var server = FakeSmtpServer.Start(("shop", "s3cret"));
        using var host = EmailHost.For(server, ("Email__Smtp__Username", "shop"), ("Email__Smtp__Password", "wrong"));
        if (refusalOfRecipient is not null)
        {
            // What a server says that takes mail for its own domains without authentication.
            server.On(SmtpStep.Mail, "250 2.1.0 Ok");
            server.On(SmtpStep.Recipient, refusalOfRecipient);
        }

        await Assert.CatchAsync<TransientEmailException>(() => host.SendAsync());
        await Assert.CatchAsync<TransientEmailException>(() => host.SendAsync());

        Assert.That(host.Logs.At(LogLevel.Error).Count, Is.EqualTo(2));
        Assert.That(host.Logs.All.Select(entry => entry.Message), Has.None.Contains("wrong"));
    }

    [Test]
    public async Task A_server_that_does_not_offer_STARTTLS_gets_neither_email_nor_password()
    {
        await using var server = FakeSmtpServer.Start(("shop", "s3cret"));
        using var host = WithStartTls(server);

        await ExpectNothingIsSent(server, host, "offers no STARTTLS", "EHLO");
    }

    [TestCase("454 4.7.0 TLS not available")]
    [TestCase("421 4.7.0 TLS not available")]
    public async Task A_server_that_puts_STARTTLS_off_gets_neither_email_nor_password(string reply)
    {
        using var certificate = SelfSigned();
        await using var server = FakeSmtpServer.Start(("shop", "s3cret"), certificate);
        using var host = WithStartTls(server);
        server.On(SmtpStep.StartTls, reply);

        var failure = await Assert.ThrowsAsync<MailServerUnavailableException>(() => host.SendAsync());

        Assert.That(failure!.WasLetIn, Is.False);
        await ExpectCommands(server, "EHLO", "STARTTLS");
    }

    [TestCase("501 5.5.4 No parameters, please")]
    [TestCase("554 5.7.3 No TLS for you")]
    public async Task A_server_that_refuses_STARTTLS_gets_neither_email_nor_password(string reply)
    {
        using var certificate = SelfSigned();
        await using var server = FakeSmtpServer.Start(("shop", "s3cret"), certificate);
        using var host = WithStartTls(server);
        server.On(SmtpStep.StartTls, reply);

        await ExpectNothingIsSent(server, host, reply[..3], "EHLO", "STARTTLS");
    }

    [Test]
    public async Task A_server_whose_certificate_nobody_vouches_for_gets_neither_email_nor_password()
    {
        using var certificate = SelfSigned();
        await using var server = FakeSmtpServer.Start(("shop", "s3cret"), certificate);
        using var host = WithStartTls(server);

        await ExpectNothingIsSent(server, host, "certificate", "EHLO", "STARTTLS");
    }

    [Test]
    public async Task A_server_that_breaks_the_handshake_off_is_quoted()
    {
        using var host = EmailHost.For(_server, ("Email__Smtp__Security", "Tls"));
        // A TLS record with a fatal alert, internal_error (RFC 8446, section 6).
        _server.On(SmtpStep.Connect, "\u0015\u0003\u0003\0\u0002\u0002P");

        var failure = await Assert.ThrowsAsync<MailServerRefusedUsException>(() => host.SendAsync());

        Assert.That(failure!.Message, Does.StartWith("The email could not be handed to the mail server: no encrypted connection:").And.Not.Contain("inner exception"));
    }

    [TestCase("StartTls", "EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL")]
    [TestCase("Tls", "EHLO", "AUTH", "MAIL")]
    public async Task With_TLS_the_password_and_the_email_are_encrypted(string security, params string[] commands)
    {
        using var authority = new TestAuthority();
        await using var server = FakeSmtpServer.Start(("shop", "s3cret"), authority.Issue("server").Certificate, implicitTls: security == "Tls");
        using var host = EmailHost.For(
            server,
            ("Email__Smtp__Security", security),
            ("Email__Smtp__CertificateAuthorityFile", authority.CertificateFile),
            ("Email__Smtp__Username", "shop"),
            ("Email__Smtp__Password", "s3cret"));

        await host.SendAsync("1");
        server.Once(SmtpStep.Recipient, "550 5.1.1 No such user");
        await Assert.ThrowsAsync<PermanentEmailException>(() => host.SendAsync("2"));
        await host.SendAsync("3", text: new string('x', 100_000));

        var session = server.Sessions.Single();
        Assert.That(session.IsEncrypted);
        Assert.That(session.Commands.Select(c => c.Split(' ')[0]).Take(commands.Length), Is.EqualTo(commands));
        Assert.That(server.Messages, Has.Count.EqualTo(2));
    }

    [TestCase(SmtpStep.Connect, "ConnectTimeout", "answer a new connection within 1 s", false)]
    [TestCase(SmtpStep.Ehlo, "ConnectTimeout", "answer a new connection within 1 s", false)]
    [TestCase(SmtpStep.Mail, "EnvelopeTimeout", "ask for the email's content within 1 s", true)]
    [TestCase(SmtpStep.Recipient, "EnvelopeTimeout", "ask for the email's content within 1 s", true)]
    [TestCase(SmtpStep.Data, "EnvelopeTimeout", "ask for the email's content within 1 s", true)]
    [TestCase(SmtpStep.EndOfData, "ContentTimeout", "take the email's content within 1 s", true)]
    public async Task A_server_that_takes_too_long_over_a_step_is_given_up_and_so_is_its_connection(
        SmtpStep step, string timeout, string words, bool wasLetIn)
    {
        using var host = EmailHost.For(_server, ($"Email__Smtp__{timeout}", "00:00:01"));
        var hold = _server.Hold(step);

        var failure = await Assert.ThrowsAsync<MailServerUnavailableException>(() => host.SendAsync());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(failure!.Message, Does.Contain(words));
            Assert.That(failure.WasLetIn, Is.EqualTo(wasLetIn));
            Assert.That(failure.IsOutcomeUnknown, Is.EqualTo(step == SmtpStep.EndOfData));
        }

        hold.Release();
        await _server.WaitFor("the connection to be closed", server => server.Sessions[0].IsClosed);
        await host.SendAsync("2");
        Assert.That(_server.Sessions, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task A_kept_connection_that_falls_silent_is_given_up_without_the_time_for_a_new_one()
    {
        using var host = EmailHost.For(_server, ("Email__Smtp__ConnectTimeout", "01:00:00"), ("Email__Smtp__EnvelopeTimeout", "00:00:00.3"));
        await host.SendAsync("1");
        var hold = _server.Hold(SmtpStep.Mail);

        var failure = await Assert.ThrowsAsync<MailServerUnavailableException>(() => host.SendAsync("2"));

        Assert.That(failure!.WasLetIn);
        hold.Release();
        await host.SendAsync("3");
        Assert.That(_server.Sessions, Has.Count.EqualTo(2));
    }

    [TestCase(SmtpStep.Connect, false)]
    [TestCase(SmtpStep.Ehlo, false)]
    [TestCase(SmtpStep.Mail, true)]
    [TestCase(SmtpStep.Content, true)]
    [TestCase(SmtpStep.EndOfData, true)]
    public async Task A_failure_says_whether_the_server_had_let_us_in(SmtpStep step, bool wasLetIn)
    {
        _server.On(step, SmtpReply.Drop);
        var dropped = (await Assert.ThrowsAsync<MailServerUnavailableException>(() => Host().SendAsync()))!.WasLetIn;
        _server.On(step, step == SmtpStep.Content ? SmtpReply.Drop : "421 4.3.2 Busy");
        var refused = (await Assert.ThrowsAsync<MailServerUnavailableException>(() => Host().SendAsync()))!.WasLetIn;

        Assert.That((dropped, refused), Is.EqualTo((wasLetIn, wasLetIn)));
    }

    [Test]
    public async Task A_server_that_is_not_there_has_not_let_us_in()
    {
        await _server.Stop();
        Assert.That((await Assert.ThrowsAsync<MailServerUnavailableException>(() => Host().SendAsync()))!.WasLetIn, Is.False);

        using var nowhere = EmailHost.For(_server, ("Email__Smtp__Host", "nowhere.invalid"));
        Assert.That((await Assert.ThrowsAsync<MailServerUnavailableException>(() => nowhere.SendAsync()))!.WasLetIn, Is.False);
    }

    [TestCase(SmtpStep.Connect)]
    [TestCase(SmtpStep.Mail)]
    [TestCase(SmtpStep.Data)]
    public async Task Cancellation_ends_the_sending_at_once_and_the_connection_is_not_used_again(SmtpStep step)
    {
        using var cancellation = new CancellationTokenSource();
        var hold = _server.Hold(step);
        var sending = Host().SendAsync("1", cancellationToken: cancellation.Token);
        await hold.Reached();

        await cancellation.CancelAsync();

        var givenUp = await Assert.ThrowsAsync<SendGivenUpException>(() => sending.WaitAsync(FakeSmtpServer.DefaultTimeout));
        Assert.That(givenUp!.IsOutcomeUnknown, Is.False);
        hold.Release();
        await Host().SendAsync("2");
        Assert.That(_server.Sessions, Has.Count.EqualTo(2));
    }

    [TestCase("250 2.0.0 Ok")]
    [TestCase("451 4.3.0 Try again later")]
    [TestCase("554 5.6.0 No")]
    public async Task From_the_content_on_the_mail_server_has_the_last_word_and_not_cancellation(string reply)
    {
        using var cancellation = new CancellationTokenSource();
        _server.On(SmtpStep.EndOfData, reply);
        var hold = _server.Hold(SmtpStep.EndOfData);
        var sending = Host().SendAsync("1", cancellationToken: cancellation.Token);
        await hold.Reached();

        await cancellation.CancelAsync();
        Assert.That(sending.IsCompleted, Is.False);
        hold.Release();

        Assert.That(
            async () => await sending.WaitAsync(FakeSmtpServer.DefaultTimeout),
            reply.StartsWith('2') ? Throws.Nothing : Throws.InstanceOf<EmailException>().With.Message.Contains(reply[..3]));
    }

    [Test]
    public async Task Nor_does_it_take_the_mail_servers_time_away()
    {
        using var host = EmailHost.For(_server, ("Email__Smtp__ContentTimeout", "00:00:01"));
        using var cancellation = new CancellationTokenSource();
        var hold = _server.Hold(SmtpStep.EndOfData);
        var sending = host.SendAsync("1", cancellationToken: cancellation.Token);
        await hold.Reached();

        await cancellation.CancelAsync();

        var failure = await Assert.ThrowsAsync<MailServerUnavailableException>(() => sending.WaitAsync(FakeSmtpServer.DefaultTimeout));
        Assert.That(failure!.IsOutcomeUnknown);
        hold.Release();
    }

    [Test]
    public async Task Many_emails_share_one_connection()
    {
        for (var i = 0; i < 20; i++)
        {
            await Host().SendAsync($"{i}");
        }

        Assert.That(_server.Messages.Select(m => m.MessageId), Is.EqualTo(Enumerable.Range(0, 20).Select(i => $"<{i}@shop.example>")));
        Assert.That(_server.Sessions, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task There_are_never_more_connections_than_the_pool_may_have_and_who_waits_for_one_can_be_cancelled()
    {
        using var host = EmailHost.For(_server, ("Email__Smtp__PoolSize", "2"));
        using var cancellation = new CancellationTokenSource();
        var hold = _server.Hold(SmtpStep.EndOfData);
        var sending = Enumerable.Range(0, 5).Select(i => host.SendAsync($"{i}", to: $"customer@shop-{i}.example")).ToArray();
        await hold.Reached(2);

        var waiting = host.SendAsync("cancelled", cancellationToken: cancellation.Token);
        await cancellation.CancelAsync();
        Assert.That(async () => await waiting.WaitAsync(FakeSmtpServer.DefaultTimeout), Throws.InstanceOf<OperationCanceledException>());

        hold.Release();
        await Task.WhenAll(sending).WaitAsync(FakeSmtpServer.DefaultTimeout);
        Assert.That(_server.Messages, Has.Count.EqualTo(5));
        Assert.That(_server.Sessions, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task A_slow_mail_server_keeps_neither_emails_from_other_connections_nor_threads_from_the_rest_of_the_program()
    {
        // More than the pool of threads begins with, which adds two a second at most.
        const int Connections = 64;
        using var host = EmailHost.For(_server, ("Email__Smtp__PoolSize", $"{Connections}"));
        var hold = _server.Hold(SmtpStep.EndOfData);
        var sending = Enumerable.Range(0, Connections).Select(i => host.SendAsync($"{i}", to: $"customer@shop-{i}.example")).ToArray();

        await hold.Reached(Connections);
        hold.Release();

        await Task.WhenAll(sending).WaitAsync(FakeSmtpServer.DefaultTimeout);
        Assert.That(_server.Messages, Has.Count.EqualTo(Connections));
    }

    [Test]
    public async Task A_refusal_gives_its_place_in_the_pool_and_its_connection_back()
    {
        using var host = EmailHost.For(_server, ("Email__Smtp__PoolSize", "1"));
        _server.On(SmtpStep.Recipient, address => address == "nobody@example.com" ? "550 5.1.1 No such user" : null);

        for (var i = 0; i < 3; i++)
        {
            await Assert.ThrowsAsync<PermanentEmailException>(() => host.SendAsync(to: "nobody@example.com"));
            await host.SendAsync();
        }

        Assert.That(_server.Messages, Has.Count.EqualTo(3));
        Assert.That(_server.Sessions, Has.Count.EqualTo(1), "It is kept.");
    }

    [TestCase(SmtpStep.Mail)]
    [TestCase(SmtpStep.Recipient)]
    public async Task A_server_that_asks_for_the_content_of_an_email_that_it_has_refused_gets_none_and_goes_on(SmtpStep step)
    {
        _server.Once(step, "550 5.1.1 Not this one");
        _server.On(SmtpStep.Data, "354 Go on");

        await Assert.CatchAsync<EmailException>(() => Host().SendAsync("1"));
        await Host().SendAsync("2");

        Assert.That(_server.Messages.Single().MessageId, Is.EqualTo("<2@shop.example>"));
        Assert.That(_server.Sessions, Has.Count.EqualTo(1));
    }

    [TestCase("PIPELINING", 4, Description = "RCPT and DATA are refused.")]
    [TestCase("8BITMIME", 8, Description = "After RCPT, nothing is said.")]
    public async Task A_connection_with_eight_refusals_in_a_row_is_not_used_again(string extension, int emails)
    {
        _server.Extensions = [extension];
        _server.On(SmtpStep.Recipient, "550 5.1.1 No such user");
        for (var i = 0; i < 2 * emails; i++)
        {
            await Assert.ThrowsAsync<PermanentEmailException>(() => Host().SendAsync($"{i}"));
        }

        Assert.That(_server.Sessions, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task A_server_without_extensions_gets_one_command_at_a_time()
    {
        _server.Extensions = [];
        _server.Once(SmtpStep.Recipient, "550 5.1.1 No such user");

        await Assert.ThrowsAsync<PermanentEmailException>(() => Host().SendAsync("1"));
        await Host().SendAsync("2");

        Assert.That(
            _server.Sessions.Single().Commands.Select(line => line.Split(' ')[0]),
            Is.EqualTo(["EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "DATA"]));
    }

    [Test]
    public async Task A_server_that_knows_sizes_is_told_the_emails()
    {
        _server.Extensions = ["SIZE 10000"];

        await Host().SendAsync(text: "Hello\n.\n");

        var mail = _server.Messages.Single();
        var size = int.Parse(_server.Sessions.Single().Commands[1].Split("SIZE=")[1], System.Globalization.CultureInfo.InvariantCulture);
        Assert.That(size, Is.EqualTo(mail.Raw.Length).Within(2), "The doubled dot may count.");
    }

    [Test]
    public async Task A_login_that_is_refused_is_told_although_there_are_other_connections()
    {
        await using var server = FakeSmtpServer.Start(("shop", "s3cret"));
        using var host = EmailHost.For(server, ("Email__Smtp__Username", "shop"), ("Email__Smtp__Password", "s3cret"));
        var hold = server.Hold(SmtpStep.EndOfData);
        var first = host.SendAsync("1");
        await hold.Reached();
        server.On(SmtpStep.Auth, "535 5.7.8 Authentication credentials invalid");

        await Assert.ThrowsAsync<MailServerRefusedUsException>(() => host.SendAsync("2"));

        hold.Release();
        await first.WaitAsync(FakeSmtpServer.DefaultTimeout);
    }

    [TestCase("421 4.7.0 Too many connections")]
    [TestCase("554 5.7.0 Too many connections")]
    [TestCase(null)]
    public async Task Where_the_server_allows_fewer_connections_than_the_pool_has_the_others_wait_and_no_try_fails(string? refusal)
    {
        _server.On(SmtpStep.Connect, _ => _server.Sessions.Count(session => !session.IsClosed) > 3 ? new SmtpReply(refusal, ThenClose: true) : null);
        await Host().SendAsync("first");

        await Task.WhenAll(Enumerable.Range(0, 400).Select(i => Host().SendAsync($"{i}"))).WaitAsync(FakeSmtpServer.DefaultTimeout);

        Assert.That(_server.Messages, Has.Count.EqualTo(401));
        Assert.That(_server.Sessions.Count(session => session.Commands.Count == 0), Is.LessThanOrEqualTo(7), "It was asked for each of them once.");
    }

    [Test]
    public async Task A_connection_that_is_refused_before_the_first_other_one_is_there_is_no_failure_of_its_email()
    {
        _server.On(SmtpStep.Connect, _ => _server.Sessions.Count(session => !session.IsClosed) > 1 ? "421 4.7.0 Too many connections" : null);
        var hold = _server.Hold(SmtpStep.Ehlo);
        var first = Host().SendAsync("1");
        await hold.Reached();

        var second = Host().SendAsync("2");
        await _server.WaitFor("the second connection to be refused", server => server.Sessions is [_, { IsClosed: true }]);
        hold.Release();

        await Task.WhenAll(first, second).WaitAsync(FakeSmtpServer.DefaultTimeout);
        Assert.That(_server.Messages, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task A_connection_that_has_carried_as_many_emails_as_it_may_counts_until_the_server_has_closed_it()
    {
        using var host = EmailHost.For(_server, ("Email__Smtp__EmailsPerConnection", "1"));
        _server.On(SmtpStep.Connect, _ => _server.Sessions.Count(session => !session.IsClosed) > 1 ? "421 4.7.0 Too many connections" : null);
        var hold = _server.Hold(SmtpStep.Quit);
        await host.SendAsync("1");
        await hold.Reached();

        var second = host.SendAsync("2");
        await _server.WaitFor("the second connection to be refused", server => server.Sessions is [_, { IsClosed: true }]);
        hold.Release();

        await second.WaitAsync(FakeSmtpServer.DefaultTimeout);
        Assert.That(_server.Messages, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task A_connection_that_the_server_has_closed_meanwhile_is_replaced_without_a_failure()
    {
        await Host().SendAsync("1");
        await _server.CloseConnections();
        await Host().SendAsync("2");

        Assert.That(_server.Messages.Select(m => m.MessageId), Is.EqualTo(new[] { "<1@shop.example>", "<2@shop.example>" }));
        Assert.That(_server.Sessions, Has.Count.EqualTo(2));
    }

    [TestCase(null)]
    [TestCase("421 4.4.2 Idle for too long")]
    public async Task A_connection_that_the_server_closes_at_the_next_email_is_replaced_without_a_failure(string? lastWords)
    {
        await Host().SendAsync("1");
        _server.Once(SmtpStep.Mail, new SmtpReply(lastWords, ThenClose: true));
        await Host().SendAsync("2");

        Assert.That(_server.Messages, Has.Count.EqualTo(2));
        Assert.That(_server.Sessions, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task An_email_that_the_server_may_have_taken_is_not_sent_again_by_itself()
    {
        await Host().SendAsync("1");
        _server.Once(SmtpStep.EndOfData, SmtpReply.Drop);

        await Assert.CatchAsync<TransientEmailException>(() => Host().SendAsync("2"));
        Assert.That(_server.Sessions, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_connection_unused_for_too_long_is_not_used_again()
    {
        using var host = EmailHost.For(_server, ("Email__Smtp__IdleTimeout", "00:00:00"));
        await host.SendAsync("1");
        await host.SendAsync("2");

        Assert.That(_server.Sessions, Has.Count.EqualTo(2));
        await _server.WaitFor("QUIT on the first connection", server => server.Sessions[0].Commands.Contains("QUIT"));
    }

    [Test]
    public async Task The_end_of_the_program_says_QUIT()
    {
        var host = EmailHost.For(_server);
        await host.SendAsync();
        host.Dispose();

        await _server.WaitFor("QUIT", server => server.Sessions.Single().Commands.Contains("QUIT"));
    }

    [TestCase(SmtpStep.Recipient, "550 5.1.1 <Customer@EXAMPLE.com>: no such user customer@example.com\u0007\u001b[31m here")]
    [TestCase(SmtpStep.Recipient, "451 4.3.0 customer@example.com is busy")]
    [TestCase(SmtpStep.EndOfData, "554 5.6.0 from orders@shop.example to customer@example.com")]
    [TestCase(SmtpStep.Connect, "554 customer@example.com")]
    public async Task A_failure_says_what_happened_in_one_short_line_without_the_address(SmtpStep step, string reply)
    {
        _server.On(step, reply + new string('x', 400));

        var failure = (await Assert.CatchAsync<EmailException>(() => Host().SendAsync()))!;

        Assert.Multiple(() =>
        {
            Assert.That(failure.Message, Has.Length.LessThanOrEqualTo(300));
            Assert.That(failure.Message.Where(char.IsControl), Is.Empty);
            Assert.That(failure.ToString(), Does.Not.Contain("customer").IgnoreCase);
            Assert.That(failure.Message, Does.Contain("(address)"));
            Assert.That(AboveDebug(), Has.None.Contains("customer").IgnoreCase);
        });
    }

    [Test]
    public async Task No_log_line_above_debug_has_the_address()
    {
        await Host().SendAsync();
        _server.On(SmtpStep.Mail, "530 5.7.0 customer@example.com must authenticate");
        await Assert.CatchAsync<TransientEmailException>(() => Host().SendAsync());

        Assert.That(AboveDebug(), Is.Not.Empty);
        Assert.That(AboveDebug(), Has.None.Contains("customer@"));
    }

    private static EmailHost WithStartTls(FakeSmtpServer server) => EmailHost.For(
        server, ("Email__Smtp__Security", "StartTls"), ("Email__Smtp__Username", "shop"), ("Email__Smtp__Password", "s3cret"));

    /// <summary>Sends an email, and sees it fail in a way that no email is to blame for, as an error that says why.</summary>
    private static async Task ExpectNothingIsSent(FakeSmtpServer server, EmailHost host, string why, params string[] commands)
    {
        var failure = await Assert.ThrowsAsync<MailServerRefusedUsException>(() => host.SendAsync());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(failure!.WasLetIn, Is.False);
            Assert.That(host.Logs.At(LogLevel.Error).Single(), Does.Contain(why));
            Assert.That(host.Logs.All.Select(entry => entry.Message), Has.None.Contains("s3cret"));
        }

        await ExpectCommands(server, commands);
    }

    /// <summary>Sees that the whole of the only conversation was these, and perhaps a farewell.</summary>
    private static async Task ExpectCommands(FakeSmtpServer server, params string[] commands)
    {
        await server.WaitFor("the end of the conversation", _ => server.Sessions.Single().IsClosed);
        Assert.That(server.Sessions.Single().Commands.Select(line => line.Split(' ')[0]).Where(word => word != "QUIT"), Is.EqualTo(commands));
    }

    private EmailHost Host() => _host ??= EmailHost.For(_server);

    private IEnumerable<string> AboveDebug() => Host().Logs.All.Where(entry => entry.Level > LogLevel.Debug).Select(entry => entry.Message);

    private static X509Certificate2 SelfSigned()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }
}
