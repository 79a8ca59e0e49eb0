using Orders.Email;
using Orders.Email.Smtp.OAuth;

namespace Orders.Tests.Email.Smtp.OAuth;

/// <summary>The login with an access token: where the token comes from, how long it is used, and what a refusal does.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class OAuthLoginTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private OAuthUnderTest _oauth = null!;

    private FakeSmtpServer Mail => _oauth.Mail;

    private FakeTokenEndpoint Tokens => _oauth.Tokens;

    [SetUp]
    public async Task StartAsync() => _oauth = await OAuthUnderTest.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _oauth.DisposeAsync();

    [Test]
    public async Task Each_grant_gets_a_token_that_sends_emails(
        [Values("ClientCredentials", "RefreshToken", "ServiceAccount")] string grant, [Values("XOAUTH2", "OAUTHBEARER")] string mechanism)
    {
        Mail.Mechanisms = $"PLAIN {mechanism}";

        await _oauth.Host(_oauth.Grant(grant)).SendAsync();

        Assert.That(Mail.Messages, Has.Count.EqualTo(1));
        Assert.That(Commands("AUTH").Single(), Does.StartWith($"AUTH {mechanism} "));
        Assert.That(Tokens.Requests, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_client_without_a_secret_shows_none()
    {
        Tokens.Answer = () => (200, $$"""{"access_token":"{{FakeTokenEndpoint.Token(1)}}"}""");
        var settings = _oauth.Grant("RefreshToken").Where(setting => setting.Key != "Email__Smtp__OAuth__ClientSecretFile");

        await _oauth.Host([.. settings]).SendAsync();

        Assert.That(Tokens.Requests.Single().Keys, Is.EquivalentTo(["grant_type", "client_id", "scope", "refresh_token"]));
    }

    [Test]
    public async Task A_token_from_a_file_is_read_again_for_each_connection()
    {
        var host = _oauth.Host(("Email__Smtp__OAuth__TokenFile", _oauth.Write("token", $"{FakeTokenEndpoint.Token(1)}\n")), ("Email__Smtp__OAuth__Mailbox", FakeTokenEndpoint.Mailbox));
        await host.SendAsync("1");
        await Mail.CloseConnections();
        _oauth.Accept(2);

        _oauth.Write("token", FakeTokenEndpoint.Token(2));
        await host.SendAsync("2");

        Assert.That(Mail.Messages, Has.Count.EqualTo(2));
        Assert.That(Commands("AUTH"), Has.Exactly(2).Items);
    }

    [Test]
    public async Task A_token_from_a_file_that_is_refused_is_not_tried_again()
    {
        var host = _oauth.Host(("Email__Smtp__OAuth__TokenFile", _oauth.Write("token", FakeTokenEndpoint.Token(7))), ("Email__Smtp__OAuth__Mailbox", FakeTokenEndpoint.Mailbox));

        await Assert.ThrowsAsync<MailServerRefusedUsException>(() => host.SendAsync());

        Assert.That(Commands("AUTH"), Has.Exactly(1).Items);
    }

    [Test]
    public async Task The_standard_goes_before_what_it_was_made_of()
    {
        Mail.Mechanisms = "XOAUTH2 PLAIN OAUTHBEARER";

        await _oauth.Host(_oauth.Grant("ClientCredentials")).SendAsync();

        Assert.That(Commands("AUTH").Single(), Does.StartWith("AUTH OAUTHBEARER "));
    }

    [Test]
    public async Task Where_neither_is_offered_it_says_what_there_is()
    {
        Mail.Mechanisms = "PLAIN LOGIN";

        var failure = await Assert.ThrowsAsync<MailServerRefusedUsException>(() => _oauth.Host(_oauth.Grant("ClientCredentials")).SendAsync());

        Assert.That(failure!.Message, Is.EqualTo("The mail server offers no login with a token, which Email__Smtp__OAuth needs, but PLAIN, LOGIN."));
        Assert.That(failure.WasLetIn, Is.False);
        Assert.That(Tokens.Requests, Is.Empty);
    }

    [Test]
    public async Task Eight_connections_at_once_share_one_request()
    {
        var release = new TaskCompletionSource();
        Tokens.Delay = release.Task;
        var host = _oauth.Host(_oauth.Grant("ClientCredentials"));
        var emails = Enumerable.Range(1, 8).Select(i => host.SendAsync($"{i}", to: $"customer@shop-{i}.example")).ToArray();

        await Mail.WaitFor("eight greetings", server => server.Sessions.Count(session => session.Commands.Count > 0) == 8);
        release.SetResult();
        await Task.WhenAll(emails).WaitAsync(Patience);

        Assert.That(Commands("AUTH"), Has.Exactly(8).Items);
        Assert.That(Tokens.Requests, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Who_gives_up_waiting_for_a_token_takes_it_from_nobody_else()
    {
        var release = new TaskCompletionSource();
        Tokens.Delay = release.Task;
        using var delivery = new CancellationTokenSource();
        var host = _oauth.Host(_oauth.Grant("ClientCredentials"));
        var lost = host.SendAsync("1", cancellationToken: delivery.Token);
        var kept = host.SendAsync("2");
        await Mail.WaitFor("two greetings", server => server.Sessions.Count(session => session.Commands.Count > 0) == 2);

        await delivery.CancelAsync();
        await Assert.CatchAsync<OperationCanceledException>(() => lost.WaitAsync(Patience));
        release.SetResult();
        await kept.WaitAsync(Patience);

        Assert.That(Tokens.Requests, Has.Count.EqualTo(1));
    }

    [TestCase(3600, 3239, 1)]
    [TestCase(3600, 3241, 2)]
    [TestCase(300, 239, 1)]
    [TestCase(300, 241, 2)]
    [TestCase(60, 29, 1)]
    [TestCase(60, 31, 2)]
    public async Task A_token_is_renewed_when_a_tenth_or_a_minute_is_left_of_it(int expiresIn, int after, int requests)
    {
        Tokens.ExpiresIn = expiresIn;
        var host = _oauth.Host(_oauth.Grant("ClientCredentials"));
        await host.SendAsync("1");
        await NewConnectionAsync();
        _oauth.Accept(requests);

        _oauth.Clock.Advance(TimeSpan.FromSeconds(after));
        await host.SendAsync("2");

        Assert.That(Mail.Messages, Has.Count.EqualTo(2));
        Assert.That(Tokens.Requests, Has.Count.EqualTo(requests));
    }

    [Test]
    public async Task One_that_cannot_be_renewed_is_used_to_its_end([Values(401, 503)] int status)
    {
        var host = _oauth.Host(_oauth.Grant("ClientCredentials"));
        await host.SendAsync("1");
        await NewConnectionAsync();
        Tokens.Answer = () => (status, "{}");

        _oauth.Clock.Advance(TimeSpan.FromSeconds(3500));
        await host.SendAsync("2");
        Assert.That(host.Logs.Of<AccessTokens>(2125).Single(), Does.Contain("ends in 00:01:40"));
        await NewConnectionAsync();
        _oauth.Clock.Advance(TimeSpan.FromSeconds(101));

        await Assert.CatchAsync<MailServerException>(() => host.SendAsync("3"));
    }

    [Test]
    public async Task A_secret_is_read_again_for_each_token()
    {
        var host = _oauth.Host([.. _oauth.Grant("ClientCredentials"), ("Email__Smtp__OAuth__ClientSecretFile", _oauth.Write("client-secret", "expired"))]);
        await Assert.ThrowsAsync<MailServerRefusedUsException>(() => host.SendAsync("1"));

        _oauth.Write("client-secret", FakeTokenEndpoint.ClientSecret);
        _oauth.Accept(2);
        await host.SendAsync("1");

        Assert.That(Mail.Messages, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_new_refresh_token_takes_the_place_of_the_old_one_until_the_file_has_another()
    {
        Tokens.NextRefreshToken = "1//refresh-token-2";
        var host = _oauth.Host(_oauth.Grant("RefreshToken"));
        await host.SendAsync("1");

        await RenewAsync(host, 2);
        Tokens.RefreshToken = "1//by hand";
        _oauth.Write("refresh-token", "1//by hand");
        await RenewAsync(host, 3);

        Assert.That(Tokens.Requests.Select(request => request["refresh_token"]), Is.EqualTo(["1//refresh-token-1", "1//refresh-token-2", "1//by hand"]));
        Assert.That(Mail.Messages, Has.Count.EqualTo(3));
    }

    [Test]
    public async Task A_token_that_the_mail_server_refuses_is_renewed_once_and_the_email_sent([Values("XOAUTH2", "OAUTHBEARER")] string mechanism)
    {
        Mail.Mechanisms = mechanism;
        _oauth.Accept(2);

        await _oauth.Host(_oauth.Grant("ClientCredentials")).SendAsync();

        Assert.That(Mail.Messages, Has.Count.EqualTo(1));
        Assert.That(Tokens.Requests, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task One_that_it_refuses_again_is_about_us([Values("XOAUTH2", "OAUTHBEARER")] string mechanism)
    {
        Mail.Mechanisms = mechanism;
        _oauth.Accept(7);

        var failure = await Assert.ThrowsAsync<MailServerRefusedUsException>(() => _oauth.Host(_oauth.Grant("ClientCredentials")).SendAsync());

        Assert.That(failure!.Message, Is.EqualTo("The mail server refused us, not this email, with 535: 5.7.8 Authentication credentials invalid"));
        Assert.That(failure.WasLetIn, Is.False);
        Assert.That(Tokens.Requests, Has.Count.EqualTo(2));
        Assert.That(Commands("AUTH"), Has.Exactly(2).Items);
    }

    [Test]
    public async Task Eight_connections_whose_token_is_refused_share_the_renewal()
    {
        _oauth.Accept(2);
        var hold = Mail.Hold(SmtpStep.Auth);
        var host = _oauth.Host(_oauth.Grant("ClientCredentials"));
        var emails = Enumerable.Range(1, 8).Select(i => host.SendAsync($"{i}", to: $"customer@shop-{i}.example")).ToArray();

        await hold.Reached(8);
        hold.Release();
        await Task.WhenAll(emails).WaitAsync(Patience);

        Assert.That(Mail.Messages, Has.Count.EqualTo(8));
        Assert.That(Tokens.Requests, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task A_login_that_cannot_be_checked_is_an_outage_and_its_token_kept()
    {
        Mail.Once(SmtpStep.Auth, "454 4.7.0 Temporary authentication failure");
        var host = _oauth.Host(_oauth.Grant("ClientCredentials"));

        await Assert.ThrowsAsync<MailServerUnavailableException>(() => host.SendAsync());
        await host.SendAsync();

        Assert.That(Tokens.Requests, Has.Count.EqualTo(1));
    }

    private async Task RenewAsync(EmailHost host, int number)
    {
        await NewConnectionAsync();
        _oauth.Clock.Advance(TimeSpan.FromHours(1));
        _oauth.Accept(number);
        await host.SendAsync($"{number}");
    }

    private Task NewConnectionAsync() => Mail.CloseConnections();

    private IEnumerable<string> Commands(string verb) => Mail.Sessions.SelectMany(session => session.Commands).Where(line => line.StartsWith(verb, StringComparison.Ordinal));
}
