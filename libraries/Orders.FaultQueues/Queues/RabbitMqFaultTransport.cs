using System.Collections.Concurrent;
using System.Diagnostics;
using Orders.Messaging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Orders.FaultQueues.Queues;

/// <summary>Faults in queues of RabbitMQ.</summary>
/// <remarks>
/// <para>Sessions of one process take turns among themselves, and with those of other processes by <see cref="RabbitMqTurn"/>.</para>
/// <para>
/// Who lacks a right to the lock of another program's queue looks without it, and can move nothing. The price: while it looks, it may hide messages from
/// somebody who moves them, and who then finds fewer; and it may find fewer itself. Each message is back when its look ends.
/// </para>
/// </remarks>
internal sealed class RabbitMqFaultTransport(RabbitMqConnection connection, RabbitMqFaultSender sender, RabbitMqFaultRights rights, AbsentQueues absent) : IFaultTransport, IDisposable
{
    private readonly ConcurrentDictionary<string, Turn> _turns = new();

    public async Task<long> CountAsync(string queue, CancellationToken cancellationToken)
    {
        // The broker does not count what a consumer holds.
        if (_turns.TryGetValue(queue, out var turn) && turn.Session is { } session)
        {
            return session.Remaining;
        }

        rights.ThrowIfUnreadable(queue);
        if (absent.Contains(queue))
        {
            return 0;
        }

        await using var channel = await (await connection.GetAsync(cancellationToken)).CreateChannelAsync(cancellationToken: cancellationToken);
        var count = await CountAsync(channel, queue, cancellationToken);
        if (count is null)
        {
            absent.Add(queue);
        }

        return count ?? 0;
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
        var (taken, notToMove) = await TakeTurnAsync(open, queue, patience, cancellationToken);
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
            absent.Remove(queue);
            return new RabbitMqFaultSession(open, kept, sender, queue, IsForeign(queue) ? QueueType.Quorum : connection.QueueType, count, rights, notToMove, async () =>
            {
                try
                {
                    if (held is not null)
                    {
                        await held.DisposeAsync();
                    }
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

    /// <summary>Waits for the turn at a queue.</summary>
    /// <returns>The turn, or why there is none.</returns>
    private async Task<(RabbitMqTurn? Turn, Exception? NotToMove)> TakeTurnAsync(
        IConnection open, string queue, TimeSpan patience, CancellationToken cancellationToken)
    {
        var faults = rights.Find(queue);
        var missing = faults is null ? [] : await rights.FindMissingAsync(faults, cancellationToken);
        if (missing.For(FaultNeed.Look) is { Count: > 0 } unreadable)
        {
            throw new MissingRightException(unreadable);
        }

        var name = RabbitMqTurn.NameFor(queue);
        if (missing.Where(right => right.Resource == name).ToList() is { Count: > 0 } unlockable)
        {
            return (null, new MissingRightException(unlockable));
        }

        try
        {
            return (await RabbitMqTurn.WaitAsync(open, queue, rights.MayDeclareLock(queue), patience, cancellationToken), null);
        }
        catch (OperationInterruptedException exception) when (exception.IsRightMissing() && faults is not null)
        {
            rights.Forget(name);
            return (null, new MissingRightException((await rights.FindMissingAsync(faults, cancellationToken)).For([.. faults.Kind.Moves()])));
        }
        catch (OperationInterruptedException exception) when (IsNotFound(exception) && faults is not null)
        {
            return (null, new MissingLockException(queue, name));
        }
    }

    /// <remarks>Nobody tells the type of another program's queue. To take a classic one for a quorum queue costs time alone.</remarks>
    private bool IsForeign(string queue) => rights.Find(queue)?.Endpoint.IsForeign == true;

    private async Task<long?> CountAsync(IChannel channel, string queue, CancellationToken cancellationToken)
    {
        try
        {
            return (await channel.QueueDeclarePassiveAsync(queue, cancellationToken)).MessageCount;
        }
        catch (OperationInterruptedException exception) when (IsNotFound(exception))
        {
            return null;
        }
        catch (OperationInterruptedException exception) when (exception.IsRightMissing())
        {
            throw rights.RefusedToRead(queue);
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
