using System.Collections.Concurrent;
using Orders.Messaging;
using RabbitMQ.Client;

namespace Orders.FaultQueues.Queues;

/// <summary>
/// Sends messages on. Each queue of ours has an exchange of its name. A queue of another program may have none; the default exchange
/// leads there then.
/// </summary>
internal sealed class RabbitMqFaultSender(FaultEndpoints endpoints, TimeProvider clock)
{
    /// <summary>How long the exchange of a queue counts as missing.</summary>
    private static readonly TimeSpan Trust = TimeSpan.FromMinutes(1);

    private readonly Republisher _republisher = new(FaultHeaders.IsOurs);
    private readonly HashSet<string> _foreign = [.. endpoints.All.Where(endpoint => endpoint.IsForeign).SelectMany(endpoint => new[] { endpoint.Queue, endpoint.ParkingQueue })];
    private readonly ConcurrentDictionary<string, Known> _addresses = new();

    /// <summary>Completes when the broker has confirmed the message.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="properties">The properties that the message is to have, in so far as they can be carried.</param>
    /// <param name="body">The body.</param>
    /// <param name="cancellationToken">Gives up waiting for the broker.</param>
    /// <exception cref="RepublishRefusedException">The broker does not take the message.</exception>
    public async Task SendAsync(
        IConnection connection, string queue, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var address = await FindAddressAsync(connection, queue, cancellationToken);
        try
        {
            await _republisher.PublishAsync(connection, address, properties, body, cancellationToken);
        }
        catch (RepublishRefusedException refused) when (refused.Why == RepublishRefusal.NoQueue && _addresses.TryRemove(queue, out _))
        {
            // The exchange may have gone, or come, since.
            var now = await FindAddressAsync(connection, queue, cancellationToken);
            if (now == address)
            {
                throw;
            }

            await _republisher.PublishAsync(connection, now, properties, body, cancellationToken);
        }
    }

    /// <summary>Where to publish what is meant for a queue.</summary>
    public async Task<PublishAddress> FindAddressAsync(IConnection connection, string queue, CancellationToken cancellationToken)
    {
        if (!_foreign.Contains(queue))
        {
            return new PublishAddress(queue);
        }

        if (_addresses.TryGetValue(queue, out var known) && (known.Address.Exchange.Length > 0 || clock.GetElapsedTime(known.Since) < Trust))
        {
            return known.Address;
        }

        var address = await HasExchangeAsync(connection, queue, cancellationToken) ? new PublishAddress(queue) : PublishAddress.OfQueue(queue);
        _addresses[queue] = new Known(address, clock.GetTimestamp());
        return address;
    }

    /// <remarks>Where the user may not know, it is there: then the right to write to it is what is missing.</remarks>
    private static async Task<bool> HasExchangeAsync(IConnection connection, string name, CancellationToken cancellationToken) =>
        await BrokerProbe.WriteAsync(connection, name, cancellationToken) switch
        {
            ProbeAnswer.Allowed => true,
            ProbeAnswer.NotThere => false,
            _ => await BrokerProbe.ExchangeAsync(connection, name, cancellationToken) != ProbeAnswer.NotThere,
        };

    /// <param name="Address">The address.</param>
    /// <param name="Since">When it was found.</param>
    private sealed record Known(PublishAddress Address, long Since);
}
