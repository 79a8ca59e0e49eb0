using System.Diagnostics;
using Orders.Bench.UnderTest;
using Orders.Testing.Programs;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Orders.Bench.Limits;

/// <summary>
/// What the broker and its client can do by themselves, over one connection, with the exchange, the queue and the message
/// that the programs use.
/// </summary>
internal sealed class RawBroker : IAsyncDisposable
{
    /// <summary>MassTransit's name for the exchange of <see cref="Contracts.OrderPlaced"/>.</summary>
    private const string Exchange = "Contracts:OrderPlaced";

    private readonly SystemUnderTest _system;
    private readonly IConnection _connection;
    private readonly BasicProperties _properties;
    private readonly byte[] _body;

    private RawBroker(SystemUnderTest system, IConnection connection, BasicProperties properties, byte[] body) =>
        (_system, _connection, _properties, _body) = (system, connection, properties, body);

    /// <summary>Takes an order of the API as the pattern of all messages.</summary>
    public static async Task<RawBroker> ConnectAsync(SystemUnderTest system, RunningProgram api)
    {
        await system.PurgeAsync();
        await ConcurrentLoad.PlaceAsync(api.Port, 1);
        var connection = await system.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        var order = await channel.BasicGetAsync(OrderConfirmationEndpoint.Queue, autoAck: true)
            ?? throw new BenchmarkException("An order was accepted, but is not in the queue.");
        return new RawBroker(system, connection, new BasicProperties(order.BasicProperties), order.Body.ToArray());
    }

    /// <summary>Publishes for a while, each message confirmed, so many of them on their way at the same time.</summary>
    /// <returns>Confirmed messages a second.</returns>
    public async Task<double> PublishAsync(int outstanding, TimeSpan time)
    {
        var started = Stopwatch.GetTimestamp();
        var (published, elapsed) = await PublishAsync(outstanding, () => Stopwatch.GetElapsedTime(started) < time);
        await _system.PurgeAsync();
        return published / elapsed.TotalSeconds;
    }

    /// <summary>Takes messages out of the queue, acknowledging each by itself.</summary>
    /// <returns>Messages a second.</returns>
    public async Task<double> ConsumeAsync(int messages, ushort prefetch)
    {
        var left = messages;
        await PublishAsync(outstanding: 64, () => Interlocked.Decrement(ref left) >= 0);

        await using var channel = await _connection.CreateChannelAsync();
        await channel.BasicQosAsync(prefetchSize: 0, prefetch, global: false);
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var consumer = new AsyncEventingBasicConsumer(channel);
        var taken = 0;
        consumer.ReceivedAsync += async (_, delivered) =>
        {
            await channel.BasicAckAsync(delivered.DeliveryTag, multiple: false);
            if (++taken == messages)
            {
                all.SetResult();
            }
        };
        var started = Stopwatch.GetTimestamp();
        await channel.BasicConsumeAsync(OrderConfirmationEndpoint.Queue, autoAck: false, consumer);
        await all.Task;
        return messages / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    public async ValueTask DisposeAsync() => await _connection.DisposeAsync();

    private async Task<(int Published, TimeSpan Elapsed)> PublishAsync(int outstanding, Func<bool> goesOn)
    {
        await using var channel = await _connection.CreateChannelAsync(new CreateChannelOptions(
            publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true, outstandingPublisherConfirmationsRateLimiter: null));
        var published = 0;
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, outstanding).Select(_ => Task.Run(async () =>
        {
            while (goesOn())
            {
                await channel.BasicPublishAsync(Exchange, routingKey: "", mandatory: true, _properties, _body);
                Interlocked.Increment(ref published);
            }
        })));
        return (published, Stopwatch.GetElapsedTime(started));
    }
}
