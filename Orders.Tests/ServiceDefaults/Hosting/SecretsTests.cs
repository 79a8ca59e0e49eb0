namespace Orders.Tests.ServiceDefaults.Hosting;

/// <summary>That nobody is told a password, least of all when it is refused.</summary>
[TestFixtureSource(typeof(TestBrokers), nameof(TestBrokers.Kinds))]
internal sealed class SecretsTests(BrokerKind kind)
{
    private readonly string _user = $"secrets-{Guid.NewGuid():N}";
    private readonly Cleanup _cleanup = new();
    private RabbitMqBroker _broker = null!;
    private string _virtualHost = null!;

    [OneTimeSetUp]
    public async Task AddUserAsync()
    {
        _broker = await TestBrokers.SharedAsync(kind);
        _virtualHost = await _broker.CreateVirtualHostAsync();
        _cleanup.Add(() => _broker.DeleteVirtualHostAsync(_virtualHost));
        await _broker.Management.AddUserAsync(_user, SecretWatch.BrokerPassword);
        _cleanup.Add(() => _broker.Management.DeleteUserAsync(_user));
        await _broker.Management.SetPermissionsAsync(_virtualHost, _user);
    }

    [OneTimeTearDown]
    public Task DeleteUserAsync() => _cleanup.RunAsync();

    [Test]
    public async Task None_is_told_where_the_broker_refuses_it()
    {
        await using var watch = new SecretWatch();
        await watch.StartAsync(_broker.Port, ("RabbitMq__Username", _broker.Username));

        await watch.WaitForAsync("ACCESS_REFUSED");
        await watch.PlaceOrderAsync(503);
        await watch.AskForEverythingAsync();

        watch.ExpectNoSecret(known: "The broker takes no messages");
    }

    [Test]
    public async Task None_is_told_where_the_broker_is_away()
    {
        await using var watch = new SecretWatch();
        await watch.StartAsync(Ports.Free(1)[0]);

        await watch.WaitForAsync("Connection refused");
        await watch.PlaceOrderAsync(503);
        await watch.AskForEverythingAsync();

        watch.ExpectNoSecret(known: "The broker takes no messages");
    }

    [Test]
    public async Task None_is_told_where_the_mail_server_refuses_it()
    {
        await using var mail = FakeSmtpServer.Start(("shop", "another"));
        await using var watch = new SecretWatch();
        await watch.StartAsync(
            _broker.Port,
            ("RabbitMq__Username", _user),
            ("RabbitMq__VirtualHost", _virtualHost),
            ("Email__Smtp__Port", $"{mail.Port}"),
            ("Email__Outage__Suspects", "1000"),
            ("DelayedRedelivery__Intervals__0", "00:00:00.010"),
            ("DelayedRedelivery__Intervals__1", "00:00:00.010"),
            ("DelayedRedelivery__Intervals__2", "00:00:00.010"),
            ("Replay__Period", "00:00:00.100"),
            ("Replay__MaxAttempts", "0"));

        await watch.PlaceOrderAsync(202);
        await watch.WaitForAsync("No email can be sent until the configuration is mended");
        await watch.AskForEverythingAsync();

        Assert.That(mail.Sessions.SelectMany(session => session.Commands), Has.Some.StartsWith("AUTH"));
        watch.ExpectNoSecret(known: "The mail server refused us");
    }

    [Test]
    public async Task None_is_told_where_the_token_endpoint_refuses_it_and_repeats_it()
    {
        await using var mail = FakeSmtpServer.StartForToken(FakeTokenEndpoint.Mailbox, FakeTokenEndpoint.Token(1));
        await using var tokens = await FakeTokenEndpoint.StartAsync();
        await using var watch = new SecretWatch();
        await watch.StartAsync(
            _broker.Port,
            ("RabbitMq__Username", _user),
            ("RabbitMq__VirtualHost", _virtualHost),
            ("Email__Smtp__Port", $"{mail.Port}"),
            ("Email__Smtp__Username", ""),
            ("Email__Smtp__PasswordFile", ""),
            ("Email__Smtp__OAuth__Grant", "ClientCredentials"),
            ("Email__Smtp__OAuth__TokenEndpoint", tokens.Url),
            ("Email__Smtp__OAuth__ClientId", FakeTokenEndpoint.ClientId),
            ("Email__Smtp__OAuth__ClientSecret", SecretWatch.MailPassword),
            ("Email__Smtp__OAuth__Mailbox", FakeTokenEndpoint.Mailbox));

        await watch.PlaceOrderAsync(202);
        await watch.WaitForAsync("No email can be sent until the configuration is mended");
        await watch.AskForEverythingAsync();

        Assert.That(tokens.Requests.Select(request => request["client_secret"]), Has.All.EqualTo(SecretWatch.MailPassword));
        watch.ExpectNoSecret(known: "The token endpoint refused us with invalid_client");
    }
}
