using Microsoft.Extensions.Options;
using Notifications.Worker.Messaging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Notifications.Worker.Faults;

/// <summary>Faults in queues of RabbitMQ.</summary>
/// <remarks>
/// Each session has a connection of its own, and as its lock an exclusive queue: the broker lets no second
/// connection have it, and deletes it when the first one ends, however it ends.
/// </remarks>
public sealed class RabbitMqFaultTransport(IOptions<RabbitMqOptions> options, IHostEnvironment environment)
    : IFaultTransport, IAsyncDisposable
{
    private readonly SemaphoreSlim _connecting = new(1, 1);
    private IConnection? _counting;

    public async Task<long> CountAsync(string queue, CancellationToken cancellationToken)
    {
        var connection = await GetCountingConnectionAsync(cancellationToken);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        return await CountAsync(channel, queue, cancellationToken) ?? 0;
    }

    public async Task<IFaultSession?> TryOpenAsync(string queue, CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(cancellationToken);
        try
        {
            var channel = await connection.CreateChannelAsync(
                new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true),
                cancellationToken);

            if (await TryLockAsync(channel, queue, cancellationToken)
                && await CountAsync(channel, queue, cancellationToken) is { } count)
            {
                var session = new RabbitMqFaultSession(connection, channel, queue, count);
                connection = null;
                return session;
            }

            return null;
        }
        finally
        {
            if (connection is not null)
            {
                await connection.DisposeAsync();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_counting is not null)
        {
            await _counting.DisposeAsync();
        }

        _connecting.Dispose();
    }

    private Task<IConnection> ConnectAsync(CancellationToken cancellationToken) =>
        options.Value.CreateConnectionFactory($"{environment.ApplicationName} faults").CreateConnectionAsync(cancellationToken);

    private async Task<IConnection> GetCountingConnectionAsync(CancellationToken cancellationToken)
    {
        await _connecting.WaitAsync(cancellationToken);
        try
        {
            if (_counting is not { IsOpen: true })
            {
                if (_counting is not null)
                {
                    await _counting.DisposeAsync();
                    _counting = null;
                }

                _counting = await ConnectAsync(cancellationToken);
            }

            return _counting;
        }
        finally
        {
            _connecting.Release();
        }
    }

    private static async Task<bool> TryLockAsync(IChannel channel, string queue, CancellationToken cancellationToken)
    {
        try
        {
            await channel.QueueDeclareAsync($"{queue}_lock", durable: false, exclusive: true, autoDelete: true, cancellationToken: cancellationToken);
            return true;
        }
        catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == Constants.ResourceLocked)
        {
            return false;
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
}
