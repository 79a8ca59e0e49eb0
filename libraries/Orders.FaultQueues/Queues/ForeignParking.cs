using Orders.Messaging;
using RabbitMQ.Client;

namespace Orders.FaultQueues.Queues;

/// <summary>
/// The parking beside another program's error queue, and of its type: the one queue there that we add. It has an exchange of its name, so that the right
/// to write to it is no right to other queues.
/// </summary>
internal static class ForeignParking
{
    /// <summary>Declares it where it is missing.</summary>
    /// <param name="connection">The connection of a user who may declare it.</param>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="otherwise">The type where nobody can tell that of the error queue.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Whether it was missing.</returns>
    public static async Task<bool> DeclareAsync(IConnection connection, FaultEndpoint endpoint, QueueType otherwise, CancellationToken cancellationToken)
    {
        if (await BrokerProbe.QueueAsync(connection, endpoint.ParkingQueue, cancellationToken) == ProbeAnswer.Allowed)
        {
            return false;
        }

        var type = await QueueTypes.FindAsync(connection, endpoint.ErrorQueue, cancellationToken) ?? otherwise;
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        await channel.DeclareWithExchangeAsync(endpoint.ParkingQueue, QueueArguments.Holding(type), cancellationToken);
        return true;
    }
}
