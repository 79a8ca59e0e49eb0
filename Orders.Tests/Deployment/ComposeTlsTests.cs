namespace Orders.Tests.Deployment;

/// <summary>The deployment with <c>compose.tls.yaml</c>.</summary>
[Long]
[Alone]
public sealed class ComposeTlsTests
{
    /// <summary>The user that the broker runs as.</summary>
    private const int RabbitMq = 999;

    /// <summary>Nobody, whom every container has.</summary>
    private const int Nobody = 65534;

    private readonly ComposeProject _project = new("compose.yaml", "compose.tls.yaml");
    private HttpClient _api = null!;
    private HttpClient _mailpit = null!;

    [OneTimeSetUp]
    public async Task StartTheDeployment()
    {
        await ContainerEngine.RequireAsync();
        _api = new HttpClient { BaseAddress = _project.Publish("API_PORT") };
        _mailpit = new HttpClient { BaseAddress = _project.Publish("MAILPIT_PORT") };
        _project.Publish("FAULTS_PORT");
        _project.Publish("RABBITMQ_MANAGEMENT_PORT");

        await _project.StartAsync();
    }

    [OneTimeTearDown]
    public async Task EndTheDeployment()
    {
        await _project.DisposeAsync();
        _api?.Dispose();
        _mailpit?.Dispose();
    }

    [Test]
    public async Task An_order_is_confirmed_by_an_email_whose_sender_gave_a_password()
    {
        var email = await ComposeProject.WaitForEmailAsync(_mailpit, await ComposeProject.PlaceOrderAsync(_api));

        // Mailpit takes one after STARTTLS alone.
        Assert.That(email.GetProperty("Username").GetString(), Is.EqualTo("orders"));
    }

    [Test]
    public async Task AMQP_is_spoken_over_TLS_alone_and_by_those_with_a_certificate()
    {
        var listeners = await _project.ExecAsync("rabbitmq", RabbitMq, "rabbitmq-diagnostics", "--quiet", "listeners");
        var connections = await _project.ExecAsync("rabbitmq", RabbitMq, "rabbitmqctl", "--quiet", "--no-table-headers", "list_connections", "ssl", "peer_cert_subject");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(listeners, Does.Contain("port: 5671, protocol: amqp/ssl").And.Not.Contain("port: 5672"));
            Assert.That(connections.Split('\n', StringSplitOptions.RemoveEmptyEntries), Is.Not.Empty.And.All.EqualTo("true\tCN=programs"));
        }
    }

    [Test]
    public async Task The_ledger_is_spoken_to_over_TLS_alone()
    {
        const string Ping = "REDISCLI_AUTH=\"$VALKEY_PASSWORD\" valkey-cli";

        Assert.That(await _project.ExecAsync("valkey", Nobody, "sh", "-c", $"{Ping} $VALKEY_CLI_FLAGS dbsize"), Does.Match("[1-9]"), "The order is there.");
        Assert.That(await _project.ExecAsync("valkey", Nobody, "sh", "-c", $"{Ping} ping 2>&1 || true"), Does.Not.Contain("PONG"));
    }

    [TestCase("programs")]
    [TestCase("mailpit")]
    [TestCase("valkey")]
    public void The_broker_cannot_read_the_key_of(string another)
    {
        Assert.That(
            () => _project.ExecAsync("rabbitmq", RabbitMq, "cat", $"/certificates/{another}/key.pem"),
            Throws.TypeOf<CommandException>().With.Message.Contains("Permission denied"));
    }
}
