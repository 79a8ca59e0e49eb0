using System.Text;
using Orders.Email;

namespace Orders.Tests.Email.Smtp.OAuth;

/// <summary>What a token endpoint that gives no token does to an email: it waits, whatever the reason, and nobody is told a secret.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class TokenEndpointFailuresTests
{
    private OAuthUnderTest _oauth = null!;

    [SetUp]
    public async Task StartAsync() => _oauth = await OAuthUnderTest.StartAsync();

    [TearDown]
    public async Task StopAsync()
    {
        ExpectNoSecret(_oauth.Log);
        await _oauth.DisposeAsync();
    }

    [TestCase(500, "Internal error", "The token endpoint has no time for us: it answered 500.")]
    [TestCase(503, """{"error":"temporarily_unavailable"}""", "The token endpoint has no time for us: it answered 503.")]
    [TestCase(429, """{"error":"invalid_client"}""", "The token endpoint has no time for us: it answered 429.")]
    [TestCase(400, """{"error":"temporarily_unavailable"}""", "The token endpoint has no time for us: it answered 400.")]
    [TestCase(200, "<html>", "The token endpoint answered what is not JSON.")]
    [TestCase(200, "", "The token endpoint answered what is not JSON.")]
    [TestCase(200, "[]", "The token endpoint answered without a token.")]
    [TestCase(200, "{}", "The token endpoint answered without a token.")]
    [TestCase(200, """{"access_token":{}}""", "The token endpoint answered without a token.")]
    [TestCase(200, """{"access_token":"ya29.two words"}""", "The token endpoint answered without a token.")]
    [TestCase(200, """{"access_token":"ya29.\u0001auth=Bearer"}""", "The token endpoint answered without a token.")]
    public async Task An_answer_that_helps_nobody_is_an_outage(int status, string body, string message)
    {
        _oauth.Tokens.Answer = () => (status, body);

        await ExpectAsync<MailServerUnavailableException>(_oauth.Grant("ClientCredentials"), Is.EqualTo(message));
    }

    [Test]
    public async Task So_is_no_answer()
    {
        var settings = _oauth.Grant("ClientCredentials");
        await _oauth.Tokens.DisposeAsync();

        await ExpectAsync<MailServerUnavailableException>(settings, Does.StartWith("The token endpoint does not answer: Connection refused"));
    }

    [Test]
    public async Task So_is_one_that_is_late_and_half_of_the_time_to_connect_is_left()
    {
        var release = new TaskCompletionSource();
        _oauth.Tokens.Delay = release.Task;

        await ExpectAsync<MailServerUnavailableException>([.. _oauth.Grant("ClientCredentials"), ("Email__Smtp__ConnectTimeout", "00:00:01")], Is.EqualTo("The token endpoint did not answer within 0.5 s."));
        release.SetResult();
    }

    [Test]
    public async Task So_is_one_without_an_end()
    {
        _oauth.Tokens.Answer = () => (200, $$"""{"access_token":"{{new string('a', 70_000)}}"}""");

        await ExpectAsync<MailServerUnavailableException>(_oauth.Grant("ClientCredentials"), Does.StartWith("The token endpoint does not answer: Cannot write more bytes"));
    }

    [Test]
    public async Task When_it_is_back_so_are_the_emails()
    {
        _oauth.Tokens.Answer = () => (503, "");
        var host = _oauth.Host(_oauth.Grant("ClientCredentials"));
        await Assert.ThrowsAsync<MailServerUnavailableException>(() => host.SendAsync());

        _oauth.Tokens.Answer = () => null;
        _oauth.Accept(2);
        await host.SendAsync();

        Assert.That(_oauth.Mail.Messages, Has.Count.EqualTo(1));
    }

    [TestCase("ClientCredentials", "Email__Smtp__OAuth__ClientId", "stranger", "invalid_client")]
    [TestCase("ClientCredentials", "Email__Smtp__OAuth__Scope", "https://graph.example/.default", "invalid_scope")]
    [TestCase("RefreshToken", "Email__Smtp__OAuth__ClientId", "stranger", "invalid_client")]
    [TestCase("ServiceAccount", "Email__Smtp__OAuth__Mailbox", "another@shop.example", "invalid_grant")]
    [TestCase("ServiceAccount", "Email__Smtp__OAuth__Scope", "https://graph.example/", "invalid_grant")]
    public async Task An_error_is_about_us_and_told_in_one_line_without_what_is_secret_in_it(string grant, string key, string value, string error)
    {
        // The description repeats all that was sent.
        var settings = _oauth.Grant(grant).Where(setting => setting.Key != key);

        await ExpectAsync<MailServerRefusedUsException>(
            [.. settings, (key, value)], Does.StartWith($"The token endpoint refused us with {error}: {error} of ").And.Contains("(secret)").And.Not.Contains('\n'));
    }

    [Test]
    public async Task So_is_that_of_a_refresh_token_that_has_ended()
    {
        var settings = _oauth.Grant("RefreshToken");
        _oauth.Tokens.RefreshToken = "1//another";

        await ExpectAsync<MailServerRefusedUsException>(settings, Does.StartWith("The token endpoint refused us with invalid_grant: "));
    }

    [TestCase(401, """{"error":"unauthorized_client"}""", "The token endpoint refused us with unauthorized_client.")]
    [TestCase(404, "Not found", "The token endpoint refused us with 404.")]
    public async Task So_is_one_without_a_description(int status, string body, string message)
    {
        _oauth.Tokens.Answer = () => (status, body);

        await ExpectAsync<MailServerRefusedUsException>(_oauth.Grant("ClientCredentials"), Is.EqualTo(message));
    }

    [Test]
    public async Task Nobody_else_gets_the_secret_by_a_redirect()
    {
        _oauth.Tokens.Answer = () => (307, "");

        await ExpectAsync<MailServerRefusedUsException>(_oauth.Grant("ClientCredentials"), Is.EqualTo("The token endpoint refused us with 307."));
        Assert.That(_oauth.Tokens.Requests, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task One_whose_certificate_is_not_trusted_gets_no_secret()
    {
        using var authority = new TestAuthority();
        await using var endpoint = TlsServer.Start(authority.Issue("endpoint"));

        await ExpectAsync<MailServerRefusedUsException>(
            [.. _oauth.Grant("ClientCredentials"), ("Email__Smtp__OAuth__TokenEndpoint", $"https://127.0.0.1:{endpoint.Port}/token")],
            Does.StartWith("The token endpoint is not to be trusted: "));
        Assert.That((await endpoint.WaitForConversationsAsync(1)).Single(), Is.Empty);
    }

    [TestCase("ClientCredentials", "client-secret")]
    [TestCase("RefreshToken", "refresh-token")]
    [TestCase("ServiceAccount", "key.json")]
    public async Task A_file_that_is_gone_is_about_us(string grant, string name)
    {
        var settings = _oauth.Grant(grant);
        var host = _oauth.Host(settings);
        // Read once at start.
        Assert.That(host.Sender, Is.Not.Null);
        File.Delete(_oauth.Write(name, ""));

        var failure = await Assert.ThrowsAsync<MailServerRefusedUsException>(() => host.SendAsync());

        Assert.That(failure!.Message, Does.Contain(name));
    }

    [Test]
    public async Task A_token_is_told_to_nobody_where_the_mail_server_refuses_it([Values("ClientCredentials", "RefreshToken", "ServiceAccount")] string grant)
    {
        _oauth.Accept(7);

        await ExpectAsync<MailServerRefusedUsException>(_oauth.Grant(grant), Does.Contain("535"));

        Assert.That(_oauth.Log, Has.Some.Contains("No email can be sent until the configuration is mended"));
    }

    private async Task ExpectAsync<TFailure>((string, string?)[] settings, NUnit.Framework.Constraints.IResolveConstraint message)
        where TFailure : MailServerException
    {
        var failure = await Assert.ThrowsAsync<TFailure>(() => _oauth.Host(settings).SendAsync());

        Assert.That(failure!.Message, message);
        Assert.That(failure.WasLetIn, Is.False);
        Assert.That(failure.Evidence, Is.EqualTo(OutageEvidence.Proof));
        Assert.That(_oauth.Mail.Messages, Is.Empty);
        ExpectNoSecret([$"{failure}"]);
    }

    private static void ExpectNoSecret(IEnumerable<string> said)
    {
        string[] secrets = [FakeTokenEndpoint.ClientSecret, FakeTokenEndpoint.TokenPrefix, "1//", "eyJ", "PRIVATE KEY", Base64(FakeTokenEndpoint.Token(1))];

        Assert.That(said.Where(line => secrets.Any(secret => line.Contains(secret, StringComparison.Ordinal))), Is.Empty);
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text)).TrimEnd('=');
}
