using Orders.Messaging;
using Orders.Testing.Brokers;

namespace Orders.Testing.Programs;

/// <summary>What carries the messages of a test.</summary>
/// <param name="Broker">Where the broker comes from, or <c>null</c> for the in-memory transport.</param>
/// <param name="QueueType">The type of the queues on a broker.</param>
public sealed record TransportUnderTest(BrokerKind? Broker, QueueType QueueType)
{
    public static readonly TransportUnderTest InMemory = new(null, default);

    /// <summary>Every transport that the machine offers.</summary>
    public static IEnumerable<TestFixtureData> All =>
        [new TestFixtureData(InMemory).SetArgDisplayNames("in memory"), .. OnBrokers];

    /// <summary>Every broker that the machine offers, with quorum queues and with classic ones.</summary>
    public static IEnumerable<TestFixtureData> OnBrokers =>
        from kind in TestBrokers.Kinds
        from queueType in Enum.GetValues<QueueType>()
        let broker = (BrokerKind)kind.Arguments[0]!
        select TestBrokers.Categorize(broker, new TestFixtureData(new TransportUnderTest(broker, queueType))
            .SetArgDisplayNames($"{Describe(broker)}, {queueType.ToString().ToLowerInvariant()} queues"));

    /// <summary>The same with quorum queues only, where the type of queue makes no difference to what is tested.</summary>
    public static IEnumerable<TestFixtureData> OnQuorumQueues =>
        OnBrokers.Where(fixture => ((TransportUnderTest)fixture.Arguments[0]!).QueueType == QueueType.Quorum);

    /// <summary>In memory, and on every broker with quorum queues.</summary>
    public static IEnumerable<TestFixtureData> InMemoryAndOnQuorumQueues =>
        [new TestFixtureData(InMemory).SetArgDisplayNames("in memory"), .. OnQuorumQueues];

    private static string Describe(BrokerKind kind) => kind switch
    {
        BrokerKind.Program => "RabbitMQ on the PATH",
        BrokerKind.Container => "RabbitMQ container",
        _ => "RabbitMQ given",
    };
}
