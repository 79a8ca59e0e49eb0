using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Queues;
using Orders.Messaging;
using RabbitMQ.Client;

namespace Orders.FaultQueues;

/// <summary>What looking after faults needs on the broker: the audit trail, and a lock for each queue.</summary>
internal sealed class FaultsTopology(FaultEndpoints endpoints) : ITopologyPart
{
    public async Task DeclareAsync(IChannel channel, CancellationToken cancellationToken)
    {
        await RabbitMqAuditTrail.DeclareAsync(channel, endpoints.AuditStream, cancellationToken);
        foreach (var queue in endpoints.Queues)
        {
            await RabbitMqTurn.DeclareAsync(channel, queue.Name, cancellationToken);
        }
    }
}
