using System.Collections.Concurrent;
using Orders.Messaging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Orders.FaultQueues.Queues;

/// <summary>
/// Sends messages on. Each queue of ours has an exchange of its name. A queue of another program may have none; the default exchange
/// leads there then. Its parking is made when it is first needed.
/// </summary>
internal sealed class RabbitMqFaultSender(FaultEndpoints endpoints, RabbitMqConnection broker, RabbitMqFaultRights rights, AbsentQueues absent, TimeProvider clock) : IDisposable
{
    /// <summary>How long the exchange of a queue counts as missing.</summary>
    private static readonly TimeSpan Trust = TimeSpan.FromMinutes(1);

    private readonly Republisher _republisher = new(FaultHeaders.IsOurs);
    private readonly Dictionary<string, FaultEndpoint> _foreign = endpoints.All.Where(endpoint => endpoint.IsForeign)
        .SelectMany(endpoint => new[] { KeyValuePair.Create(endpoint.Queue, endpoint), KeyValuePair.Create(endpoint.ParkingQueue, endpoint) })
        .ToDictionary();

    private readonly ConcurrentDictionary<string, Known> _addresses = new();
    private readonly SemaphoreSlim _finding = new(1, 1);

    /// <summary>Completes when the broker has confirmed the message.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="properties">The properties that the message is to have, in so far as they can be carried.</param>
    /// <param name="body">The body.</param>
    /// <param name="cancellationToken">Gives up waiting for the broker.</param>
    /// <exception cref="RepublishRefusedException">The broker does not take the message.</exception>
    /// <exception cref="MissingRightException">The user may not send there.</exception>
    public async Task SendAsync(
        IConnection connection, string queue, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var address = await FindAddressAsync(connection, queue, cancellationToken);
        try
        {
            await _republisher.PublishAsync(connection, address, properties, body, cancellationToken);
        }
        catch (RepublishRefusedException refused) when (refused.Why == RepublishRefusal.NoRight)
        {
            throw rights.RefusedToWrite(address.Exchange, NeedOf(queue));
        }
        catch (RepublishRefusedException refused) when (refused.Why == RepublishRefusal.NoQueue && _addresses.TryRemove(queue, out _))
        {
            // The queue, or its exchange, may have gone or come since.
            var now = await FindAddressAsync(connection, queue, cancellationToken);
            if (now == address)
            {
                throw;
            }

            await _republisher.PublishAsync(connection, now, properties, body, cancellationToken);
        }
    }

    public void Dispose() => _finding.Dispose();

    private async Task<PublishAddress> FindAddressAsync(IConnection connection, string queue, CancellationToken cancellationToken)
    {
        if (!_foreign.TryGetValue(queue, out var endpoint))
        {
            return new PublishAddress(queue);
        }

        if (IsKnown(queue, out var known))
        {
            return known;
        }

        await _finding.WaitAsync(cancellationToken);
        try
        {
            if (IsKnown(queue, out known))
            {
                return known;
            }

            var address = await HasExchangeAsync(connection, queue, cancellationToken) ? new PublishAddress(queue)
                : queue == endpoint.ParkingQueue ? await MakeParkingAsync(connection, endpoint, cancellationToken)
                : PublishAddress.OfQueue(queue);
            _addresses[queue] = new Known(address, clock.GetTimestamp());
            return address;
        }
        finally
        {
            _finding.Release();
        }
    }

    private bool IsKnown(string queue, out PublishAddress address)
    {
        var isKnown = _addresses.TryGetValue(queue, out var known) && (known.Address.Exchange.Length > 0 || clock.GetElapsedTime(known.Since) < Trust);
        address = isKnown ? known!.Address : default;
        return isKnown;
    }

    /// <summary>Makes parking, where it is missing and programs declare what they need.</summary>
    private async Task<PublishAddress> MakeParkingAsync(IConnection connection, FaultEndpoint endpoint, CancellationToken cancellationToken)
    {
        if (!broker.DeclaresTopology)
        {
            return await BrokerProbe.QueueAsync(connection, endpoint.ParkingQueue, cancellationToken) == ProbeAnswer.Allowed
                ? PublishAddress.OfQueue(endpoint.ParkingQueue)
                : new PublishAddress(endpoint.ParkingQueue);
        }

        try
        {
            if (!await ForeignParking.DeclareAsync(connection, endpoint, broker.QueueType, cancellationToken))
            {
                return PublishAddress.OfQueue(endpoint.ParkingQueue);
            }
        }
        catch (OperationInterruptedException exception) when (exception.IsRightMissing())
        {
            throw rights.RefusedToDeclare(endpoint.ParkingQueue, FaultNeed.Park);
        }

        rights.Forget(endpoint.ParkingQueue);
        absent.Remove(endpoint.ParkingQueue);
        return new PublishAddress(endpoint.ParkingQueue);
    }

    private FaultNeed NeedOf(string queue) => rights.Find(queue) is { Kind: FaultQueueKind.Parked } ? FaultNeed.Park : FaultNeed.Replay;

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
