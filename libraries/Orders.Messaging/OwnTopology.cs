using Orders.Messaging.Operators;
using RabbitMQ.Client;

namespace Orders.Messaging;

/// <summary>What this library needs on the broker itself.</summary>
internal sealed class OwnTopology : ITopologyPart
{
    public IEnumerable<Type> Messages => [typeof(OperatorEvent)];

    public Task DeclareAsync(IChannel channel, CancellationToken cancellationToken) => BrokerWatch.DeclareAsync(channel, cancellationToken);
}
