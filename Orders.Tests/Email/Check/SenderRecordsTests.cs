namespace Orders.Tests.Email.Check;

/// <summary>What <c>check-mail</c> says of the records of the sender's domain. None of them keeps emails from going out.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class SenderRecordsTests
{
    private readonly FakeDns _dns = FakeDns.Good;

    private FakeSmtpServer _server = null!;

    [SetUp]
    public void StartServer() => _server = FakeSmtpServer.Start();

    [TearDown]
    public async Task StopServer() => await _server.DisposeAsync();

    [Test]
    public async Task A_domain_that_has_all_records_is_as_it_should_be()
    {
        var check = await CheckAsync();

        using (Assert.EnterMultipleScope())
        {
            check.Expect("ok", "spf", "shop.example says 'v=spf1 include:_spf.provider.example -all'. It must name the server that sends for you.");
            check.Expect("ok", "dmarc", "shop.example has the policy reject: emails arrive only with a valid DKIM signature or SPF of this domain.");
            check.Expect("ok", "bounces", "Bounces and answers go to mx1.shop.example, mx2.shop.example, by the MX records of shop.example.");
        }
    }

    [TestCase("", "shop.example has no SPF record: many servers distrust its emails. Add a TXT record like 'v=spf1 include:_spf.your-provider.example -all'.")]
    [TestCase("v=spf1 a -all|v=spf1 mx -all", "shop.example has 2 SPF records, which is an error: servers then go by none of them (RFC 7208, section 4.5). Merge them into one.")]
    [TestCase("v=spf1 -all", "The SPF record of shop.example, 'v=spf1 -all', names no server: every email counts as forged. Name your mail server in it.")]
    [TestCase("v=spf1 mx +all", "The SPF record of shop.example, 'v=spf1 mx +all', allows every server of the world to send for it. End it with -all.")]
    [TestCase("v=spf1 ip4:192.0.2.1", "The SPF record of shop.example, 'v=spf1 ip4:192.0.2.1', says nothing of other servers. End it with -all or ~all.")]
    [TestCase(
        "v=spf1 a:1.x a:2.x a:3.x a:4.x a:5.x a:6.x mx mx:7.x exists:8.x include:9.x ?include:10.x ~all",
        "The SPF record of shop.example, 'v=spf1 a:1.x a:2.x a:3.x a:4.x a:5.x a:6.x mx mx:7.x exists:8.x include:9.x ?include:10.x ~all', asks DNS 11 times, and servers ask 10 times at most (RFC 7208, section 4.6.4). Shorten it.")]
    public async Task An_SPF_record_that_does_no_good_is_a_warning(string records, string expected)
    {
        _dns.Texts["shop.example"] = ["v=spf10 another", .. records.Split('|')];

        var check = await CheckAsync();

        check.Expect("warning", "spf", expected);
        check.ExpectEnd(0, "Emails can be sent, with 1 warning.");
    }

    [TestCase("V=SPF1 ip6:2001:db8::/32 ~ALL")]
    [TestCase("v=spf1 redirect=_spf.provider.example")]
    public async Task An_SPF_record_that_names_a_server_will_do(string record)
    {
        _dns.Texts["shop.example"] = [record];

        var check = await CheckAsync();

        check.ExpectMatch("ok", "spf", "^shop.example says ");
    }

    [TestCase("", "shop.example has no DMARC record, which large providers demand. Add a TXT record at _dmarc.shop.example like 'v=DMARC1; p=none; rua=mailto:…'.")]
    [TestCase("v=DMARC1; p=none|v=DMARC1; p=reject", "shop.example has 2 DMARC records, which is an error: servers then go by none of them. Leave one.")]
    [TestCase("v=DMARC1; rua=mailto:a@shop.example", "The DMARC record of shop.example has no policy. Set p=none, p=quarantine or p=reject.")]
    [TestCase("v=DMARC1; p=maybe", "The DMARC record of shop.example has a policy that nobody knows. Set p=none, p=quarantine or p=reject.")]
    public async Task A_DMARC_record_that_does_no_good_is_a_warning(string records, string expected)
    {
        _dns.Texts["_dmarc.shop.example"] = records.Split('|');

        var check = await CheckAsync();

        check.Expect("warning", "dmarc", expected);
        check.ExpectEnd(0, "Emails can be sent, with 1 warning.");
    }

    [TestCase("v=DMARC1; p=reject; sp=none", "shop.example, a parent of the sender's domain, has the policy none: servers report forged emails, and take them.")]
    [TestCase("v=DMARC1; p=reject", "shop.example, a parent of the sender's domain, has the policy reject: emails arrive only with a valid DKIM signature or SPF of this domain.")]
    public async Task The_DMARC_record_of_a_parent_holds_for_its_parts(string record, string expected)
    {
        _dns.Texts["_dmarc.shop.example"] = [record];

        var check = await CheckAsync(("Email__From", "orders@mail.shop.example"));

        check.Expect("ok", "dmarc", expected);
    }

    [Test]
    public async Task A_domain_that_takes_no_bounces_is_a_warning()
    {
        _dns.MailServers["shop.example"] = ["."];
        (await CheckAsync()).ExpectMatch("warning", "bounces", "^shop.example takes no email, by its MX record");

        _dns.MailServers["shop.example"] = [];
        (await CheckAsync()).ExpectMatch("warning", "bounces", "^shop.example has neither an MX record nor an address");

        _dns.WithAddress.Add("shop.example");
        (await CheckAsync()).ExpectMatch("warning", "bounces", "^shop.example has no MX record: bounces and answers go to its own address");
    }

    [Test]
    public async Task Without_DNS_the_check_goes_on()
    {
        _dns.IsDown = true;

        var check = await CheckedMail.RunAsync(_server, [], to: "me@example.com", dns: _dns);

        check.Expect("warning", "dns", "DNS does not answer a question about shop.example: Query timed out. What shop.example publishes is not checked any further.");
        check.ExpectMatch("ok", "email", "^The mail server took");
        check.ExpectEnd(0, "Emails can be sent, with 1 warning.");
    }

    private Task<CheckedMail> CheckAsync(params (string, string?)[] settings) => CheckedMail.RunAsync(_server, settings, dns: _dns);
}
