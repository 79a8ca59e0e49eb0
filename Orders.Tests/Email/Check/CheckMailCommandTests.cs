using Notifications.Worker;

namespace Orders.Tests.Email.Check;

/// <summary>What <c>check-mail</c> says of a mail server, and how it ends.</summary>
public sealed class CheckMailCommandTests
{
    private const string NoEmail = "No email can be sent until what failed is mended.";

    private static readonly (string, string?)[] Login = [("Email__Smtp__Username", "shop"), ("Email__Smtp__Password", "s3cret-word")];

    private readonly TestAuthority _authority = new();

    [OneTimeTearDown]
    public void DeleteCertificates() => _authority.Dispose();

    [Test]
    public async Task Each_step_has_a_line_where_all_is_well()
    {
        await using var server = FakeSmtpServer.Start(("shop", "s3cret-word"), _authority.Issue("good", days: 90).Certificate);
        server.Extensions = ["PIPELINING", "SIZE 10240000", "SMTPUTF8"];

        var check = await CheckedMail.RunAsync(server, [.. Trust("StartTls"), .. Login]);

        using (Assert.EnterMultipleScope())
        {
            check.Expect("ok", "configuration", $"Emails go to the mail server 127.0.0.1:{server.Port}, from \"Acorn Shop\" <orders@shop.example>.");
            check.Expect("ok", "addresses", "127.0.0.1 is an address.");
            check.Expect("ok", "connection", $"127.0.0.1:{server.Port} answers: 220 fake.example ESMTP");
            check.ExpectMatch("ok", "tls", @"^TLS 1\.[23] with TLS_\w+\.$");
            check.ExpectMatch("ok", "certificate", @"^It is for localhost, 127\.0\.0\.1, by Test authority \w+, and expires in 89 days, on \d{4}-\d\d-\d\d\.$");
            check.Expect("ok", "ehlo", "We call ourselves worker.shop.example. That name should lead to the address from which we send.");
            check.Expect("ok", "capabilities", "The server offers PIPELINING, SMTPUTF8, STARTTLS, SIZE 10240000, AUTH LOGIN PLAIN.");
            check.Expect("ok", "login", "The server lets us in by PLAIN.");
            check.Expect(
                "ok",
                "limits",
                "At most 8 connections at once (Email__Smtp__PoolSize), with 100 emails each, by default; Email__Smtp__EmailsPerConnection changes it. Email__MaxPerSecond sets no limit.");
            check.ExpectEnd(0, "Emails can be sent.");
            Assert.That(check.Output, Does.Not.Contain("s3cret-word"));
            Assert.That(server.Messages, Is.Empty);
            Assert.That(server.Sessions, Has.Count.EqualTo(1));
        }

        await server.WaitFor("QUIT", mail => mail.Sessions[0].Commands[^1] == "QUIT");
    }

    [Test]
    public async Task A_wrong_password_is_named_with_the_mechanism_and_tried_once()
    {
        await using var server = FakeSmtpServer.Start(("shop", "another"));

        var check = await CheckedMail.RunAsync(server, Login, to: "customer@example.com");

        check.Expect(
            "failed",
            "login",
            "By PLAIN: The mail server refused us, not this email, with 535: 5.7.8 Authentication credentials invalid. Check Email__Smtp__Username and Email__Smtp__Password or __PasswordFile.");
        check.ExpectNone("email");
        check.ExpectEnd(1, NoEmail);
        Assert.That(check.Output, Does.Not.Contain("s3cret-word").And.Not.Contain(Convert.ToBase64String("s3cret-word"u8)[..^4]));
        Assert.That(server.Sessions.SelectMany(session => session.Commands).Count(line => line.StartsWith("AUTH", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    [Test]
    public async Task A_login_that_is_refused_for_want_of_encryption_is_told_so()
    {
        await using var server = FakeSmtpServer.Start(("shop", "s3cret-word"), _authority.Issue("unused").Certificate);
        server.On(SmtpStep.Auth, _ => "538 5.7.11 Must issue a STARTTLS command first");

        var check = await CheckedMail.RunAsync(server, Login);

        check.ExpectMatch("failed", "login", @"with 538: .* set Email__Smtp__Security=StartTls\.$");
        check.ExpectEnd(1, NoEmail);
    }

    [Test]
    public async Task A_login_that_the_server_does_not_offer_is_named()
    {
        await using var server = FakeSmtpServer.Start(("shop", "s3cret-word"));
        server.Mechanisms = "GSSAPI NTLM";

        var check = await CheckedMail.RunAsync(server, Login);

        check.ExpectMatch("failed", "login", @"but GSSAPI, NTLM\. Set Email__Smtp__Authentication to one that it offers, or Auto\.$");
        check.ExpectEnd(1, NoEmail);
    }

    [Test]
    public async Task A_server_with_logins_and_no_name_for_one_is_a_warning()
    {
        await using var server = FakeSmtpServer.Start(("shop", "s3cret-word"));

        var check = await CheckedMail.RunAsync(server, []);

        check.Expect("warning", "login", "None, although the server offers one and may refuse emails without. Set Email__Smtp__Username and Email__Smtp__PasswordFile.");
        check.ExpectEnd(0, "Emails can be sent, with 1 warning.");
    }

    [Test]
    public async Task A_certificate_that_expires_soon_is_a_warning([Values("StartTls", "Tls")] string security)
    {
        await using var server = FakeSmtpServer.Start(certificate: _authority.Issue("soon").Certificate, implicitTls: security == "Tls");

        var check = await CheckedMail.RunAsync(server, Trust(security));

        check.ExpectMatch("warning", "certificate", @"and expires in 8 days, on \S+\. No email goes out after that: see to it that the server gets a new one\.$");
        check.ExpectEnd(0, "Emails can be sent, with 1 warning.");
    }

    [Test]
    public async Task An_expired_certificate_is_named_with_its_day([Values("StartTls", "Tls")] string security)
    {
        await using var server = FakeSmtpServer.Start(certificate: _authority.Issue("expired", expired: true).Certificate, implicitTls: security == "Tls");

        var check = await CheckedMail.RunAsync(server, Trust(security));

        check.ExpectMatch("failed", "tls", @"The certificate of 127\.0\.0\.1 is refused: certificate has expired\. It expired on \d{4}-\d\d-\d\d: the server needs a new one\.$");
        check.ExpectEnd(1, NoEmail);
    }

    [Test]
    public async Task A_certificate_for_another_name_says_which_name_to_set()
    {
        await using var server = FakeSmtpServer.Start(certificate: _authority.Issue("another", host: "mail.shop.example").Certificate);

        var check = await CheckedMail.RunAsync(server, Trust("StartTls"));

        check.ExpectMatch(
            "failed", "tls", @"is refused: it is not for 127\.0\.0\.1\. It is for mail\.shop\.example: set Email__Smtp__Host to such a name, or the server needs another one\.$");
        check.ExpectEnd(1, NoEmail);
    }

    [Test]
    public async Task A_certificate_of_an_unknown_authority_says_how_to_trust_it()
    {
        using var stranger = new TestAuthority();
        await using var server = FakeSmtpServer.Start(certificate: stranger.Issue("strange").Certificate);

        var check = await CheckedMail.RunAsync(server, Trust("StartTls"));

        check.ExpectMatch("failed", "tls", @"It is by Test authority \w+: set Email__Smtp__CertificateAuthorityFile to a PEM file with that authority, if you trust it\.$");
        check.ExpectEnd(1, NoEmail);
    }

    [Test]
    public async Task A_server_without_STARTTLS_says_where_it_may_be()
    {
        await using var server = FakeSmtpServer.Start();

        var check = await CheckedMail.RunAsync(server, Trust("StartTls"));

        check.Expect(
            "failed",
            "tls",
            "The server offers no STARTTLS, which Email__Smtp__Security demands. Set Email__Smtp__Port to one where it does, usually 587, or Email__Smtp__Security=Tls for port 465.");
        check.ExpectEnd(1, NoEmail);
    }

    [Test]
    public async Task A_server_that_speaks_in_clear_where_TLS_is_expected_says_what_to_set()
    {
        await using var server = FakeSmtpServer.Start();

        var check = await CheckedMail.RunAsync(server, Trust("Tls"));

        check.ExpectMatch(
            "failed", "tls", "^The server does not speak TLS at once: .* Set Email__Smtp__Security=StartTls, usually with Email__Smtp__Port=587, or the port 465\\.$");
        check.ExpectEnd(1, NoEmail);
    }

    [Test]
    public async Task A_server_that_waits_for_TLS_says_what_to_set()
    {
        await using var server = FakeSmtpServer.Start(certificate: _authority.Issue("waits").Certificate, implicitTls: true);

        var check = await CheckedMail.RunAsync(server, [("Email__Smtp__ConnectTimeout", "00:00:01")]);

        check.Expect(
            "failed",
            "greeting",
            "The server says nothing within 1 s. One that waits for TLS at once does so: set Email__Smtp__Security=Tls, usually with Email__Smtp__Port=465.");
        check.ExpectEnd(1, NoEmail);
    }

    [Test]
    public async Task Port_465_without_TLS_is_a_mistake_of_the_configuration()
    {
        await using var server = FakeSmtpServer.Start();

        var check = await CheckedMail.RunAsync(server, [("Email__Smtp__Port", "465")]);

        check.Expect("failed", "configuration", "Email__Smtp__Security must be Tls when Email__Smtp__Port is 465: the server waits for TLS there before it says anything.");
        check.ExpectEnd(1, NoEmail);
    }

    [Test]
    public async Task A_server_that_is_down_is_named_and_DNS_is_asked_all_the_same()
    {
        await using var server = FakeSmtpServer.Start();
        await server.Stop();

        var check = await CheckedMail.RunAsync(server, []);

        check.Expect(
            "failed",
            "connection",
            $"127.0.0.1:{server.Port} does not answer: Connection refused. Check Email__Smtp__Host, Email__Smtp__Port and the firewalls between.");
        check.ExpectMatch("ok", "dmarc", "^shop.example has the policy reject");
        check.ExpectEnd(1, NoEmail);
    }

    [Test]
    public async Task One_address_of_several_that_is_down_is_a_warning()
    {
        await using var server = FakeSmtpServer.Start();

        var check = await CheckedMail.RunAsync(server, [("Email__Smtp__Host", "mail.example")], addresses: ["127.0.0.2", "127.0.0.1"]);

        check.Expect("ok", "addresses", "mail.example is 127.0.0.2, 127.0.0.1.");
        check.ExpectMatch("warning", "connection", $"^127.0.0.2:{server.Port} does not answer: Connection refused");
        check.ExpectMatch("ok", "connection", $"^127.0.0.1:{server.Port} answers: ");
        check.ExpectEnd(0, "Emails can be sent, with 1 warning.");
    }

    [Test]
    public async Task A_host_that_nobody_knows_is_named()
    {
        await using var server = FakeSmtpServer.Start();

        var check = await CheckedMail.RunAsync(server, [("Email__Smtp__Host", "nobody.invalid")]);

        check.ExpectMatch("failed", "addresses", @"^nobody\.invalid has no known address: .* Check Email__Smtp__Host and the DNS of this machine\.$");
        check.ExpectEnd(1, NoEmail);
    }

    [Test]
    public async Task A_server_that_does_not_let_us_in_is_quoted()
    {
        await using var server = FakeSmtpServer.Start();
        server.On(SmtpStep.Connect, "554 5.7.1 Your address is blocked");

        var check = await CheckedMail.RunAsync(server, []);

        check.ExpectMatch("failed", "greeting", @"with 554: 5\.7\.1 Your address is blocked\. The server must let in the address of this machine and the name worker\.shop\.example");
        check.ExpectEnd(1, NoEmail);
    }

    [Test]
    public async Task A_name_that_is_none_is_a_warning()
    {
        await using var server = FakeSmtpServer.Start();

        var check = await CheckedMail.RunAsync(server, [("Email__Smtp__EhloName", "192.0.2.1")]);

        check.ExpectMatch("warning", "ehlo", @"^We call ourselves \[192\.0\.2\.1\], which is no full name");
    }

    [Test]
    public async Task Exim_gets_few_emails_over_a_connection_and_the_report_says_why()
    {
        await using var server = FakeSmtpServer.Start();
        server.On(SmtpStep.Connect, "220 mail.example ESMTP Exim 4.96");

        var check = await CheckedMail.RunAsync(server, [("Email__MaxPerSecond", "0.5")]);

        check.ExpectMatch("ok", "limits", @"with 10 emails each, since Exim .* At most 0\.5 emails a second \(Email__MaxPerSecond\)\.$");
    }

    [Test]
    public async Task A_test_email_goes_out_and_the_answer_is_told()
    {
        await using var server = FakeSmtpServer.Start(("shop", "s3cret-word"));

        var check = await CheckedMail.RunAsync(server, Login, to: "me@example.com");

        check.Expect("ok", "email", "The mail server took the test email with 250: 2.0.0 Ok: queued");
        check.ExpectEnd(0, "Emails can be sent.");
        var mail = server.Messages.Single();
        Assert.That(mail.Recipients, Is.EqualTo(["me@example.com"]));
        Assert.That(mail.Subject, Is.EqualTo("Test of the mail settings"));
    }

    [Test]
    public async Task A_test_email_that_is_refused_tells_the_answer_without_the_address()
    {
        await using var server = FakeSmtpServer.Start();
        server.On(SmtpStep.Recipient, address => $"550 5.1.1 <{address}>: no such user");

        var check = await CheckedMail.RunAsync(server, [], to: "me@example.com");

        check.Expect(
            "failed",
            "email",
            "The mail server refused the recipient with 550: 5.1.1 <(address)>: no such user. Try another address: the server refuses this one or this email.");
        check.ExpectEnd(1, NoEmail);
    }

    [Test]
    public async Task A_redirected_test_email_says_so()
    {
        await using var server = FakeSmtpServer.Start();

        var check = await CheckedMail.RunAsync(server, [("Email__RedirectAllTo", "staging@shop.example")], to: "me@example.com");

        check.ExpectMatch("warning", "configuration", "^Email__RedirectAllTo is set: no email reaches its recipient");
        check.ExpectMatch("ok", "email", "^To the address of Email__RedirectAllTo: The mail server took");
        Assert.That(server.Messages.Single().Recipients, Is.EqualTo(["staging@shop.example"]));
    }

    [Test]
    public async Task Without_a_mail_server_it_says_that_none_is_used()
    {
        var folder = Directory.CreateTempSubdirectory("orders-check-");

        var check = await CheckedMail.RunAsync(["--to", "me@example.com"], [("Email__PickupDirectory", folder.FullName)]);
        var files = folder.GetFiles("*.eml");
        folder.Delete(recursive: true);

        check.Expect(
            "ok",
            "configuration",
            $"Emails become files in {folder.FullName}; no mail server is used. To send them, set Email__Delivery=Smtp, Email__Smtp__Host and Email__From.");
        check.Expect("ok", "email", "The test email is in the pickup directory.");
        check.ExpectEnd(0, "Emails can be sent.");
        Assert.That(files, Has.Length.EqualTo(1));
    }

    [Test]
    public async Task A_mail_server_that_is_set_but_not_used_is_a_warning()
    {
        var check = await CheckedMail.RunAsync([], [("Email__Smtp__Host", "mail.shop.example")]);

        check.Expect("warning", "configuration", "Email__Smtp__Host is set, but nothing is sent to mail.shop.example without Email__Delivery=Smtp.");
    }

    [Test]
    public async Task Every_mistake_of_the_configuration_has_a_line()
    {
        var check = await CheckedMail.RunAsync([], [("Email__Delivery", "Smtp")]);

        check.Expect("failed", "configuration", "Email__From is required when Email__Delivery is Smtp.");
        check.Expect("failed", "configuration", "Email__Smtp__Host is required when Email__Delivery is Smtp.");
        check.ExpectEnd(1, NoEmail);
    }

    [TestCase("--to nobody", "'nobody' is no address that mail can be sent to.")]
    [TestCase("--from me@example.com", "Unrecognized command or argument '--from'.")]
    public async Task A_mistake_in_the_command_line_is_told_and_nothing_is_done(string arguments, string error)
    {
        var check = await CheckedMail.RunAsync(arguments.Split(' '), []);

        Assert.That(check.ExitCode, Is.EqualTo(2));
        Assert.That(check.Errors, Does.Contain(error));
        Assert.That(check.Output, Is.Empty);
    }

    [Test]
    public async Task The_program_itself_knows_the_command()
    {
        await using var server = FakeSmtpServer.Start();
        var (exitCode, output, errors) = await Command.RunToEndAsync(
            RealProgram.Runtime,
            [typeof(WorkerOptions).Assembly.Location, "check-mail", "--to", "me@example.com"],
            TimeSpan.FromSeconds(60),
            new Dictionary<string, string>
            {
                ["Email__Delivery"] = "Smtp",
                ["Email__From"] = "orders@localhost",
                ["Email__Smtp__Host"] = FakeSmtpServer.Host,
                ["Email__Smtp__Port"] = $"{server.Port}",
            });

        Assert.That(exitCode, Is.Zero, errors);
        Assert.That(output, Does.Contain("The mail server took the test email").And.Contain("Set Email__From to an address that customers can answer."));
        Assert.That(errors, Is.Empty);
    }

    private (string, string?)[] Trust(string security) =>
        [("Email__Smtp__Security", security), ("Email__Smtp__CertificateAuthorityFile", _authority.CertificateFile)];
}
