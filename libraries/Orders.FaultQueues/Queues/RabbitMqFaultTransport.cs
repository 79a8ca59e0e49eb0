using System.Collections.Concurrent;
using System.Diagnostics;
using Orders.Messaging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Orders.FaultQueues.Queues;

/// <summary>Faults in queues of RabbitMQ.</summary>
/// <remarks>Sessions of one process take turns among themselves, and with those of other processes by <see cref="RabbitMqTurn"/>.</remarks>
internal sealed class RabbitMqFaultTransport(RabbitMqConnection connection, RabbitMqFaultSender sender, FaultEndpoints endpoints) : IFaultTransport, IDisposable
{
    private readonly ConcurrentDictionary<string, Turn> _turns = new();
    private readonly HashSet<string> _foreign = [.. endpoints.All.Where(endpoint => endpoint.IsForeign).SelectMany(endpoint => endpoint.Queues).Select(queue => queue.Name)];

    public async Task<long> CountAsync(string queue, CancellationToken cancellationToken)
    {
        // The broker does not count what a consumer holds.
        if (_turns.TryGetValue(queue, out var turn) && turn.Session is { } session)
        {
            return session.Remaining;
        }

        await using var channel = await (await connection.GetAsync(cancellationToken)).CreateChannelAsync(cancellationToken: cancellationToken);
        return await CountAsync(channel, queue, cancellationToken) ?? 0;
    }

    public async Task<IFaultSession?> OpenAsync(string queue, CancellationToken cancellationToken)
    {
        var waiting = Stopwatch.StartNew();
        var turn = _turns.GetOrAdd(queue, _ => new Turn());
        if (!await turn.Gate.WaitAsync(FaultTurn.Patience, cancellationToken))
        {
            throw new FaultQueueBusyException(queue);
        }

        try
        {
            var left = FaultTurn.Patience - waiting.Elapsed;
            turn.Session = await OpenAsync(queue, turn, left > TimeSpan.Zero ? left : TimeSpan.Zero, cancellationToken);
            return turn.Session;
        }
        catch (TimeoutException)
        {
            throw new FaultQueueBusyException(queue);
        }
        catch (OperationInterruptedException exception) when (IsNotFound(exception))
        {
            return null;
        }
        finally
        {
            if (turn.Session is null)
            {
                turn.Gate.Release();
            }
        }
    }

    public void Dispose()
    {
        foreach (var turn in _turns.Values)
        {
            turn.Gate.Dispose();
        }
    }

    private async Task<RabbitMqFaultSession?> OpenAsync(string queue, Turn turn, TimeSpan patience, CancellationToken cancellationToken)
    {
        var open = await connection.GetAsync(cancellationToken);
        var taken = await RabbitMqTurn.WaitAsync(open, queue, connection.DeclaresTopology, patience, cancellationToken);
        IChannel? channel = null;
        try
        {
            channel = await open.CreateChannelAsync(cancellationToken: cancellationToken);
            if (await CountAsync(channel, queue, cancellationToken) is not { } count)
            {
                return null;
            }

            var (held, kept) = (taken, channel);
            (taken, channel) = (null, null);
            return new RabbitMqFaultSession(open, kept, sender, queue, QueueTypeOf(queue), count, async () =>
            {
                try
                {
                    await held.DisposeAsync();
                }
                finally
                {
                    turn.Session = null;
                    turn.Gate.Release();
                }
            });
        }
        finally
        {
            if (channel is not null)
            {
                await channel.DisposeAsync();
            }

            if (taken is not null)
            {
                await taken.DisposeAsync();
            }
        }
    }

    /// <remarks>Nobody tells the type of another program's queue. To take a classic queue for a quorum queue costs time alone.</remarks>
    private QueueType QueueTypeOf(string queue) => _foreign.Contains(queue) ? QueueType.Quorum : connection.QueueType;

    private static async Task<long?> CountAsync(IChannel channel, string queue, CancellationToken cancellationToken)
    {
        try
        {
            return (await channel.QueueDeclarePassiveAsync(queue, cancellationToken)).MessageCount;
        }
        catch (OperationInterruptedException exception) when (IsNotFound(exception))
        {
            return null;
        }
    }

    private static bool IsNotFound(OperationInterruptedException exception) => exception.ShutdownReason?.ReplyCode == Constants.NotFound;

    /// <summary>Who in this process has the queue.</summary>
    private sealed class Turn
    {
        public SemaphoreSlim Gate { get; } = new(1, 1);

        public volatile RabbitMqFaultSession? Session;
    }
}
