using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Queues;
using Orders.Messaging;
using RabbitMQ.Client;

namespace Orders.FaultQueues;

/// <summary>What looking after faults needs on the broker: the audit trail, a lock for each queue, and parking for other programs' endpoints.</summary>
internal sealed class FaultsTopology(FaultEndpoints endpoints, RabbitMqConnection broker) : ITopologyPart
{
    public async Task DeclareAsync(IChannel channel, CancellationToken cancellationToken)
    {
        await RabbitMqAuditTrail.DeclareAsync(channel, endpoints.AuditStream, cancellationToken);
        foreach (var queue in endpoints.Queues)
        {
            await RabbitMqTurn.DeclareAsync(channel, RabbitMqTurn.NameFor(queue.Name), cancellationToken);
        }

        foreach (var endpoint in endpoints.All.Where(endpoint => endpoint.IsForeign))
        {
            // To find out the type of the error queue closes channels.
            await ForeignParking.DeclareAsync(await broker.GetAsync(cancellationToken), endpoint, broker.QueueType, cancellationToken);
        }
    }
}
