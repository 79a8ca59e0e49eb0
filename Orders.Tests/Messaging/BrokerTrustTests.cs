using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orders.Messaging;

namespace Orders.Tests.Messaging;

/// <summary>Which broker a program trusts, on MassTransit's connection and on its own: no other is told a word.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class BrokerTrustTests : IDisposable
{
    /// <summary>What MassTransit says where the certificate was good and the broker says nothing after that.</summary>
    private const string NoAnswer = "connection.start was never received";

    private readonly TestAuthority _authority = new();
    private readonly LogEvents _log = new();

    public void Dispose()
    {
        _authority.Dispose();
        _log.Dispose();
    }

    [Test]
    public async Task A_broker_with_a_certificate_of_the_authority_for_its_name_is_spoken_to()
    {
        await using var broker = TlsServer.Start(_authority.Issue("trusted"));
        await using var api = await StartApiAsync(broker);

        await ExpectWordsAsync(broker);
    }

    [Test]
    public async Task The_name_to_look_for_may_be_another_than_the_hosts()
    {
        await using var broker = TlsServer.Start(_authority.Issue("renamed", host: "rabbitmq.shop.example"));
        await using var api = await StartApiAsync(broker, ("RabbitMq__Tls__ServerName", "rabbitmq.shop.example"));

        await ExpectWordsAsync(broker);
    }

    [Test]
    public async Task A_certificate_for_another_host_is_refused()
    {
        await using var broker = TlsServer.Start(_authority.Issue("another", host: "rabbitmq.shop.example"));

        await ExpectRefusalAsync(broker, "The certificate of 127.0.0.1 is refused: it is not for 127.0.0.1.");
    }

    [Test]
    public async Task An_expired_certificate_is_refused()
    {
        await using var broker = TlsServer.Start(_authority.Issue("expired", expired: true));

        await ExpectRefusalAsync(broker, "The certificate of 127.0.0.1 is refused: certificate has expired");
    }

    [Test]
    public async Task A_certificate_of_another_authority_is_refused()
    {
        using var stranger = new TestAuthority();
        await using var broker = TlsServer.Start(stranger.Issue("strange"));

        await ExpectRefusalAsync(broker, "The certificate of 127.0.0.1 is refused: unable to get local issuer certificate");
    }

    [Test]
    public async Task A_certificate_that_is_for_clients_alone_is_refused()
    {
        await using var broker = TlsServer.Start(_authority.Issue("client", forClients: true));

        await ExpectRefusalAsync(broker, "The certificate of 127.0.0.1 is refused: The certificate has invalid policy.");
    }

    [Test]
    public async Task Without_an_authority_of_its_own_a_program_trusts_those_of_the_system_alone()
    {
        await using var broker = TlsServer.Start(_authority.Issue("private"));

        await ExpectRefusalAsync(
            broker, "The certificate of 127.0.0.1 is refused: unable to get local issuer certificate", ("RabbitMq__Tls__CertificateAuthorityFile", ""));
    }

    [Test]
    public async Task Certificates_are_read_anew_for_each_connection()
    {
        using var next = new TestAuthority();
        await using var broker = TlsServer.Start(next.Issue("renewed"));
        await using var api = await StartApiAsync(broker);
        await WaitForMassTransitAsync("unable to get local issuer certificate");

        File.Delete(_authority.CertificateFile);
        await WaitForMassTransitAsync("Could not find file");
        Assert.That(await broker.WaitForConversationsAsync(2), Is.All.Empty);

        File.Copy(next.CertificateFile, _authority.CertificateFile);
        await WaitForMassTransitAsync(NoAnswer);
        await broker.WaitForWordsAsync();
    }

    /// <summary>Sees both connections, MassTransit's and that of the watch, come as far as to speak AMQP.</summary>
    private async Task ExpectWordsAsync(TlsServer broker)
    {
        await WaitForMassTransitAsync(NoAnswer);
        await _log.WaitFor<BrokerWatch>(20);
        var said = await broker.WaitForConversationsAsync(2);

        Assert.That(said.Select(Encoding.ASCII.GetString), Is.All.StartsWith("AMQP"));
    }

    private Task<bool> WaitForMassTransitAsync(string text) => Eventually.GetAsync(
        $"MassTransit says '{text}'",
        _ => Task.FromResult(MassTransitWarnings.Any(line => line.Contains(text, StringComparison.Ordinal))),
        found => found,
        TimeSpan.FromSeconds(60));

    private IEnumerable<string> MassTransitWarnings =>
        _log.All.Where(entry => entry.Category == "MassTransit" && entry.Level == LogLevel.Warning).Select(entry => entry.Message);

    private async Task ExpectRefusalAsync(TlsServer broker, string line, params (string Name, string? Value)[] settings)
    {
        await using var api = await StartApiAsync(broker, settings);

        var said = await broker.WaitForConversationsAsync(4);
        var ready = await api.SendAsync(new HttpRequestMessage(HttpMethod.Get, "/health/ready"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(said, Is.All.Empty, "not a byte, far less the password");
            Assert.That((ready.Status, ready.Body), Is.EqualTo((503, "Unhealthy")));
            Assert.That(_log.Of<BrokerWatch>(20), Has.Some.EqualTo($"The broker takes no messages: {line}"));
            Assert.That(MassTransitWarnings, Has.Some.Contains(line), "MassTransit's own connection");
        }
    }

    private Task<ApiUnderTest> StartApiAsync(TlsServer broker, params (string Name, string? Value)[] settings) => ApiUnderTest.StartAsync(
        services: services => services.AddSingleton<ILoggerProvider>(_log),
        settings:
        [
            ("Messaging__Transport", "RabbitMq"),
            ("RabbitMq__Host", "127.0.0.1"),
            ("RabbitMq__Port", $"{broker.Port}"),
            ("RabbitMq__Username", "orders"),
            ("RabbitMq__Password", "s3cret"),
            ("RabbitMq__Tls__Enabled", "true"),
            ("RabbitMq__Tls__CertificateAuthorityFile", _authority.CertificateFile),
            .. settings,
        ]);
}
