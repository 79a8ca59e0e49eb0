using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace Orders.Messaging;

/// <summary>A connection of our own beside MassTransit's, made when it is first needed and again after it broke.</summary>
public sealed class RabbitMqConnection(IOptions<RabbitMqOptions> options, IHostEnvironment environment) : IAsyncDisposable
{
    private readonly SemaphoreSlim _connecting = new(1, 1);
    private IConnection? _connection;

    /// <summary>The type of our queues on that broker.</summary>
    public QueueType QueueType => options.Value.QueueType;

    /// <summary>Who is signed in.</summary>
    public string Username => options.Value.Username!;

    /// <summary>Whether those who use the connection declare what they need.</summary>
    public bool DeclaresTopology => options.Value.Topology == Topology.Declare;

    /// <summary>The connection, open as far as is known.</summary>
    public async Task<IConnection> GetAsync(CancellationToken cancellationToken)
    {
        await _connecting.WaitAsync(cancellationToken);
        try
        {
            if (_connection is not { IsOpen: true })
            {
                if (_connection is not null)
                {
                    await _connection.DisposeAsync();
                    _connection = null;
                }

                _connection = await options.Value.ConnectAsync($"{environment.ApplicationName} faults", cancellationToken);
            }

            return _connection;
        }
        finally
        {
            _connecting.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
        {
            await _connection.DisposeAsync();
        }

        _connecting.Dispose();
    }
}
