using System.Text.Json;
using Orders.Messaging;
using RabbitMQ.Client;

namespace Orders.FaultQueues.Audit;

/// <summary>
/// The audit trail in a stream of the broker, which every process with faults writes to and follows. The newest
/// <see cref="AuditMemory.Capacity"/> entries are at hand here; the stream keeps all of them for 90 days.
/// </summary>
public sealed partial class RabbitMqAuditTrail(
    FaultEndpoints endpoints, RabbitMqConnection connection, TimeProvider clock, ILogger<RabbitMqAuditTrail> logger)
    : BackgroundService, IAuditTrail
{
    // No option: a queue keeps the arguments that it was declared with. A broker policy can shorten it.
    private const string MaxAge = "90D";

    private static readonly TimeSpan TryAgainAfter = TimeSpan.FromSeconds(2);

    private readonly AuditMemory _entries = new();
    private readonly SemaphoreSlim _writing = new(1, 1);
    private IChannel? _writer;
    private string? _problem;

    public async Task WriteAsync(AuditEntry entry, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(entry, JsonSerializerOptions.Web);
        var properties = new BasicProperties { ContentType = "application/json", Persistent = true };

        // Completes when the entry is safe.
        await (await GetWriterAsync(cancellationToken)).BasicPublishAsync(exchange: endpoints.AuditStream, routingKey: "", mandatory: true, properties, body, cancellationToken);
    }

    public Task<IReadOnlyList<AuditEntry>> ReadAsync(AuditQuery query, CancellationToken cancellationToken) =>
        Task.FromResult(_entries.Read(query));

    /// <summary>Declares the stream and the exchange of its name.</summary>
    internal static Task DeclareAsync(IChannel channel, string stream, CancellationToken cancellationToken) =>
        channel.DeclareWithExchangeAsync(
            stream,
            new Dictionary<string, object?>
            {
                ["x-queue-type"] = "stream",
                ["x-max-age"] = MaxAge,
            },
            cancellationToken);

    public override void Dispose()
    {
        _writing.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await FollowAsync(stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                var problem = exception.GetBaseException().Message;
                if (problem != _problem)
                {
                    Log.NotFollowed(logger, problem);
                }

                _problem = problem;
            }

            await Task.Delay(TryAgainAfter, clock, stoppingToken);
        }
    }

    /// <summary>Reads the stream from its beginning, and goes on with it until its channel is closed.</summary>
    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        await using var channel = await (await connection.GetAsync(cancellationToken)).CreateChannelAsync(cancellationToken: cancellationToken);
        await DeclareWhereNeededAsync(channel, cancellationToken);
        await channel.BasicQosAsync(prefetchSize: 0, prefetchCount: 500, global: false, cancellationToken);

        _entries.Clear();
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        channel.ChannelShutdownAsync += (_, _) =>
        {
            closed.TrySetResult();
            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync(
            endpoints.AuditStream,
            autoAck: false,
            consumerTag: "",
            noLocal: false,
            exclusive: false,
            new Dictionary<string, object?> { ["x-stream-offset"] = "first" },
            new Follower(channel, Add),
            cancellationToken);
        _problem = null;
        await closed.Task.WaitAsync(cancellationToken);
    }

    private void Add(ReadOnlyMemory<byte> body)
    {
        try
        {
            if (JsonSerializer.Deserialize<AuditEntry>(body.Span, JsonSerializerOptions.Web) is { } entry)
            {
                _entries.Add(entry with { Endpoint = entry.Endpoint ?? endpoints.Default.Queue });
            }
        }
        catch (JsonException)
        {
            // Not ours: anybody with access to the broker can write into the stream.
        }
    }

    private async Task<IChannel> GetWriterAsync(CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            if (_writer is not { IsOpen: true })
            {
                _writer = await (await connection.GetAsync(cancellationToken)).CreateChannelAsync(
                    new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true),
                    cancellationToken);
                await DeclareWhereNeededAsync(_writer, cancellationToken);
            }

            return _writer;
        }
        finally
        {
            _writing.Release();
        }
    }

    private Task DeclareWhereNeededAsync(IChannel channel, CancellationToken cancellationToken) =>
        connection.DeclaresTopology ? DeclareAsync(channel, endpoints.AuditStream, cancellationToken) : Task.CompletedTask;

    private sealed class Follower(IChannel channel, Action<ReadOnlyMemory<byte>> add) : AsyncDefaultBasicConsumer(channel)
    {
        public override async Task HandleBasicDeliverAsync(
            string consumerTag,
            ulong deliveryTag,
            bool redelivered,
            string exchange,
            string routingKey,
            IReadOnlyBasicProperties properties,
            ReadOnlyMemory<byte> body,
            CancellationToken cancellationToken = default)
        {
            add(body);
            // Takes nothing out of a stream; it asks for more.
            await Channel.BasicAckAsync(deliveryTag, multiple: false, cancellationToken);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 231, Level = LogLevel.Warning, Message = "The audit trail cannot be followed: {Error}")]
        public static partial void NotFollowed(ILogger logger, string error);
    }
}
