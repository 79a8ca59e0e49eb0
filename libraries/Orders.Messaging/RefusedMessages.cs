using MassTransit;
using MassTransit.RabbitMqTransport;
using MassTransit.RabbitMqTransport.Configuration;
using MassTransit.Transports;
using RabbitMQ.Client;

namespace Orders.Messaging;

/// <summary>
/// Makes the bus connect anew when the broker goes on refusing its messages. On RabbitMQ 3.10, a channel that sends to a
/// quorum queue for the first time while the queue's leader is gone has every message refused (<c>basic.nack</c>), for as
/// long as it lives; other channels are served.
/// </summary>
/// <remarks>A queue whose policy rejects what goes beyond its length refuses messages too: then this does no good, and so it is done rarely.</remarks>
public sealed partial class RefusedMessages(IServiceProvider services, TimeProvider clock, ILogger<RefusedMessages> logger)
    : ISendObserver, IPublishObserver
{
    /// <summary>How many messages must be refused in a row, with none taken in between.</summary>
    private const int Enough = 5;

    /// <summary>The least time from one new connection to the next, which may come too soon for the queue as well; each further time is twice as long.</summary>
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private int _refused;
    private long? _renewed;
    private TimeSpan _pause = FirstPause;

    public Task PreSend<T>(SendContext<T> context)
        where T : class => Task.CompletedTask;

    public Task PostSend<T>(SendContext<T> context)
        where T : class => TakenAsync();

    public Task SendFault<T>(SendContext<T> context, Exception exception)
        where T : class => FailedAsync(exception);

    public Task PrePublish<T>(PublishContext<T> context)
        where T : class => Task.CompletedTask;

    public Task PostPublish<T>(PublishContext<T> context)
        where T : class => TakenAsync();

    public Task PublishFault<T>(PublishContext<T> context, Exception exception)
        where T : class => FailedAsync(exception);

    private Task TakenAsync()
    {
        lock (_lock)
        {
            (_refused, _pause) = (0, FirstPause);
        }

        return Task.CompletedTask;
    }

    private Task FailedAsync(Exception exception)
    {
        if (exception.GetBaseException() is RabbitMQ.Client.Exceptions.PublishException { IsReturn: false } && IsTimeToRenew())
        {
            Log.ConnectsAnew(logger, Enough);
            // Whoever sent the message need not wait for it.
            _ = Task.Run(RenewAsync);
        }

        return Task.CompletedTask;
    }

    private bool IsTimeToRenew()
    {
        lock (_lock)
        {
            if (++_refused < Enough || (_renewed is { } renewed && clock.GetElapsedTime(renewed) < _pause))
            {
                return false;
            }

            if (_renewed is not null)
            {
                _pause = _pause * 2 < LongestPause ? _pause * 2 : LongestPause;
            }

            _refused = 0;
            _renewed = clock.GetTimestamp();
            return true;
        }
    }

    private async Task RenewAsync()
    {
        try
        {
            // The bus is still being made when it asks for this class.
            var host = (IRabbitMqHostConfiguration)services.GetRequiredService<IBusInstance>().HostConfiguration;
            // MassTransit opens another one as soon as this one is closed.
            await host.ConnectionContextSupervisor.Send(
                Pipe.ExecuteAsync<ConnectionContext>(context => context.Connection.CloseAsync(Constants.ReplySuccess, "messages were refused", TimeSpan.FromSeconds(5), abort: false, CancellationToken.None)), CancellationToken.None);
        }
        catch (Exception exception)
        {
            Log.NotClosed(logger, exception.GetBaseException().Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 22, Level = LogLevel.Warning, Message = "The broker has refused {Count} messages in a row; connecting anew")]
        public static partial void ConnectsAnew(ILogger logger, int count);

        [LoggerMessage(EventId = 23, Level = LogLevel.Warning, Message = "The connection on which messages are refused could not be closed: {Error}")]
        public static partial void NotClosed(ILogger logger, string error);
    }
}
