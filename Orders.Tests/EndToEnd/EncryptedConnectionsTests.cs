using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orders.Messaging;

namespace Orders.Tests.EndToEnd;

/// <summary>A broker that is spoken to over TLS, by those who show it a certificate.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnQuorumQueues))]
internal sealed class EncryptedConnectionsTests(TransportUnderTest transport) : OrderSystemTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly TestAuthority _authority = new();
    private BrokerTls _tls = null!;

    [SetUp]
    public async Task StartBrokerAsync()
    {
        _tls = new BrokerTls(_authority);
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport, await TestBrokers.StartAsync(transport.Broker!.Value, _tls));
    }

    [OneTimeTearDown]
    public void DeleteCertificates() => _authority.Dispose();

    [Test]
    public async Task Every_connection_of_the_programs_is_encrypted_from_the_order_to_the_fault_queues()
    {
        TheSystem.Mail.On(SmtpStep.Recipient, address => address.StartsWith("nobody", StringComparison.Ordinal) ? "550 5.1.1 No such user" : null);
        await TheSystem.StartWorkerAsync(null, [.. Encrypted, .. WithCertificate]);
        await TheSystem.StartApiAsync([.. Encrypted, .. WithCertificate]);

        await TheSystem.PlaceAsync("1");
        await TheSystem.PlaceAsync("2", "nobody@example.com");

        // The redeliver job parks the second one, over a connection of its own.
        var parked = await TheSystem.WaitForParked(1);
        await TheSystem.Mail.WaitFor("the confirmation", _ => TheSystem.ConfirmedOrders.Contains("1"));
        // Two programs have one of MassTransit's and a watch each; the worker has one for its fault queues as well.
        // The broker still lists, for a moment, the short connections by which they tried their login.
        var seen = new HashSet<string>();
        await Eventually.GetAsync(
            "five connections",
            async _ =>
            {
                var connections = await ListConnectionsAsync();
                seen.UnionWith(connections);
                return connections.Length;
            },
            count => count == 5,
            Patience);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(parked.Single().OrderId, Is.EqualTo("2"));
            Assert.That(seen, Is.EqualTo(["true"]));
        }
    }

    [Test]
    public async Task A_program_that_shows_no_certificate_is_not_let_in()
    {
        using var log = new LogEvents();
        var broker = TheSystem.BrokerOptions;
        await using var api = await ApiUnderTest.StartAsync(
            services: services => services.AddSingleton<ILoggerProvider>(log),
            settings:
            [
                ("Messaging__Transport", "RabbitMq"),
                ("RabbitMq__VirtualHost", broker.VirtualHost),
                ("RabbitMq__Username", broker.Username),
                ("RabbitMq__Password", broker.Password),
                .. Encrypted,
            ]);

        await log.WaitFor<BrokerWatch>(20);
        var ready = await api.SendAsync(new HttpRequestMessage(HttpMethod.Get, "/health/ready"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(ready.Status, Is.EqualTo(503));
            Assert.That(await ListConnectionsAsync(), Is.Empty);
        }
    }

    /// <returns>Whether each connection is encrypted.</returns>
    private async Task<string[]> ListConnectionsAsync() =>
    [
        .. (await TheSystem.RunBrokerCtlAsync("list_connections", "ssl"))
            .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Where(line => line is "true" or "false"),
    ];

    private (string Name, string? Value)[] Encrypted =>
    [
        ("RabbitMq__Host", "localhost"),
        ("RabbitMq__Port", $"{_tls.Port}"),
        ("RabbitMq__Tls__Enabled", "true"),
        ("RabbitMq__Tls__CertificateAuthorityFile", _authority.CertificateFile),
    ];

    private (string Name, string? Value)[] WithCertificate
    {
        get
        {
            var certificate = _authority.Issue("program");
            return [("RabbitMq__Tls__CertificateFile", certificate.File), ("RabbitMq__Tls__KeyFile", certificate.KeyFile)];
        }
    }
}
