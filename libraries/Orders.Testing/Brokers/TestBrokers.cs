using System.Collections.Concurrent;
using Orders.Testing.Machine;

namespace Orders.Testing.Brokers;

/// <summary>Where a broker comes from.</summary>
public enum BrokerKind
{
    /// <summary>The machine's own RabbitMQ, as Debian's package <c>rabbitmq-server</c> installs it (3.10 on Debian 12).</summary>
    Program,

    /// <summary>The image that <c>compose.yaml</c> deploys (4.3).</summary>
    Container,

    /// <summary>A running one, named by <c>ORDERS_TEST_RABBITMQ</c>.</summary>
    Given,
}

/// <summary>The brokers that end-to-end fixtures run on: every kind that the machine offers, one after the other.</summary>
/// <example>
/// <code>
/// [TestFixtureSource(typeof(TestBrokers), nameof(TestBrokers.Kinds))]
/// public sealed class RedeliveryTests(BrokerKind kind)
/// {
///     [OneTimeSetUp]
///     public async Task SetUp() => _broker = await TestBrokers.SharedAsync(kind);
/// </code>
/// </example>
public static class TestBrokers
{
    private static readonly string? Given = Environment.GetEnvironmentVariable("ORDERS_TEST_RABBITMQ");
    private static readonly ConcurrentDictionary<BrokerKind, Lazy<Task<RabbitMqBroker>>> Shared = [];

    /// <summary>Whether there is one broker for all, which is not ours.</summary>
    public static bool IsGiven => Given is not null;

    /// <summary>The kinds to run a fixture on. Whether a kind is there is found out when the fixture asks for its broker.</summary>
    public static IEnumerable<TestFixtureData> Kinds => Given is null
        ? [Fixture(BrokerKind.Program, "RabbitMQ on the PATH"), Fixture(BrokerKind.Container, "RabbitMQ container")]
        : [Fixture(BrokerKind.Given, "RabbitMQ given")];

    /// <summary>
    /// The broker of a kind that the fixtures of a run share, started when the first one asks. Where there is none, the
    /// calling fixture is skipped, or fails with <c>CI=true</c>.
    /// </summary>
    public static async Task<RabbitMqBroker> SharedAsync(BrokerKind kind)
    {
        await RequireAsync(kind);
        return await Shared.GetOrAdd(kind, _ => new(() => StartNewAsync(kind))).Value;
    }

    /// <summary>A broker for the caller alone, who may kill it and disposes of it. Where there is none, as <see cref="SharedAsync"/>.</summary>
    /// <param name="kind">Where it comes from.</param>
    /// <param name="tls">A second port, with TLS.</param>
    public static async Task<RabbitMqBroker> StartAsync(BrokerKind kind, BrokerTls? tls = null)
    {
        await RequireAsync(kind);
        return await StartNewAsync(kind, tls);
    }

    /// <summary>A cluster of three nodes of the machine's own RabbitMQ for the caller alone, who disposes of it. Where there is none, as <see cref="SharedAsync"/>.</summary>
    public static async Task<ProgramCluster> StartClusterAsync()
    {
        await RequireAsync(BrokerKind.Program);
        return await StartAsync(new ProgramCluster(ProgramBroker.FindScripts()!));
    }

    /// <summary>Puts a fixture into the category of what its broker needs.</summary>
    internal static TestFixtureData Categorize(BrokerKind kind, TestFixtureData fixture) =>
        kind == BrokerKind.Container ? LongAttribute.Apply(fixture) : BrokerAttribute.Apply(fixture);

    internal static bool IsReadyLine(string line) => line.Contains("Server startup complete", StringComparison.Ordinal);

    internal static async Task EndSharedAsync()
    {
        foreach (var broker in Shared.Values.Where(broker => broker.IsValueCreated && broker.Value.IsCompletedSuccessfully))
        {
            await (await broker.Value).DisposeAsync();
        }
    }

    /// <summary>Ends the calling test or fixture where there is no broker of a kind, as <see cref="SharedAsync"/> does.</summary>
    internal static async Task RequireAsync(BrokerKind kind)
    {
        switch (kind)
        {
            case BrokerKind.Program when ProgramBroker.FindScripts() is null:
                Needs.Missing("No RabbitMQ on this machine: install it (apt-get install rabbitmq-server) or name one in ORDERS_TEST_RABBITMQ.");
                break;
            case BrokerKind.Container:
                await ContainerEngine.RequireImageAsync(ContainerBroker.Image);
                break;
        }
    }

    private static async Task<RabbitMqBroker> StartNewAsync(BrokerKind kind, BrokerTls? tls = null) => await StartAsync<RabbitMqBroker>(kind switch
    {
        BrokerKind.Program => new ProgramBroker(ProgramBroker.FindScripts()!, tls: tls),
        BrokerKind.Container => new ContainerBroker(tls, onHostNetwork: tls is null && await ContainerEngine.SharesNetworkAsync()),
        _ when tls is not null => throw new IgnoreException("The broker of ORDERS_TEST_RABBITMQ is not ours to configure."),
        _ => new GivenBroker(new Uri(Given!)),
    });

    private static async Task<TBroker> StartAsync<TBroker>(TBroker broker)
        where TBroker : RabbitMqBroker
    {
        try
        {
            await broker.StartAsync();
            return broker;
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    private static TestFixtureData Fixture(BrokerKind kind, string name) =>
        Categorize(kind, new TestFixtureData(kind).SetArgDisplayNames(name));
}
