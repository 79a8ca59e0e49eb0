using System.Collections.Concurrent;
using System.Diagnostics;
using Notifications.Worker.Messaging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Notifications.Worker.Faults.Queues;

/// <summary>Faults in queues of RabbitMQ.</summary>
/// <remarks>
/// Sessions of one process take turns among themselves. To keep other processes away each one has as its lock an
/// exclusive queue: the broker lets no second connection have it, and deletes it with the connection, however that ends.
/// </remarks>
public sealed class RabbitMqFaultTransport(RabbitMqConnection connection) : IFaultTransport, IDisposable
{
    /// <summary>The time between two questions whether another process has let go of a queue.</summary>
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentDictionary<string, Turn> _turns = new();

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
            while (true)
            {
                var opened = await TryOpenAsync(queue, turn, cancellationToken);
                if (opened.HasLock)
                {
                    turn.Session = opened.Session;
                    return opened.Session;
                }

                if (waiting.Elapsed > FaultTurn.Patience)
                {
                    throw new FaultQueueBusyException(queue);
                }

                await Task.Delay(AskAgainAfter, cancellationToken);
            }
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

    private async Task<(bool HasLock, RabbitMqFaultSession? Session)> TryOpenAsync(string queue, Turn turn, CancellationToken cancellationToken)
    {
        var open = await connection.GetAsync(cancellationToken);
        var channel = await open.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true),
            cancellationToken);
        try
        {
            if (!await TryLockAsync(channel, queue, cancellationToken))
            {
                return (false, null);
            }

            if (await CountAsync(channel, queue, cancellationToken) is not { } count)
            {
                await UnlockAsync(open, queue);
                return (true, null);
            }

            var session = new RabbitMqFaultSession(channel, queue, connection.QueueType, count, async () =>
            {
                try
                {
                    await UnlockAsync(open, queue);
                }
                finally
                {
                    turn.Session = null;
                    turn.Gate.Release();
                }
            });
            channel = null;
            return (true, session);
        }
        finally
        {
            if (channel is not null)
            {
                await channel.DisposeAsync();
            }
        }
    }

    private static string LockOf(string queue) => $"{queue}_lock";

    private static async Task<bool> TryLockAsync(IChannel channel, string queue, CancellationToken cancellationToken)
    {
        try
        {
            await channel.QueueDeclareAsync(LockOf(queue), durable: false, exclusive: true, autoDelete: true, cancellationToken: cancellationToken);
            return true;
        }
        catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == Constants.ResourceLocked)
        {
            return false;
        }
    }

    private static async Task UnlockAsync(IConnection connection, string queue)
    {
        if (!connection.IsOpen)
        {
            return;
        }

        try
        {
            // A channel of its own: that of the session may have been closed for a mistake.
            await using var channel = await connection.CreateChannelAsync();
            await channel.QueueDeleteAsync(LockOf(queue), ifUnused: false, ifEmpty: false);
        }
        catch (Exception exception) when (exception is OperationInterruptedException or AlreadyClosedException)
        {
            // The connection ends, and the lock with it.
        }
    }

    private static async Task<long?> CountAsync(IChannel channel, string queue, CancellationToken cancellationToken)
    {
        try
        {
            return (await channel.QueueDeclarePassiveAsync(queue, cancellationToken)).MessageCount;
        }
        catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == Constants.NotFound)
        {
            return null;
        }
    }

    /// <summary>Who in this process has the queue.</summary>
    private sealed class Turn
    {
        public SemaphoreSlim Gate { get; } = new(1, 1);

        public volatile RabbitMqFaultSession? Session;
    }
}
