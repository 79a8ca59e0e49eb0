using System.Text.Json;
using Orders.FaultQueues.Queues;
using Orders.Messaging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Orders.FaultQueues.Audit;

/// <summary>
/// The audit trail in a stream of the broker, which every process with faults writes to and follows. The newest
/// <see cref="AuditMemory.Capacity"/> entries are at hand here; the stream keeps all of them for 90 days.
/// </summary>
internal sealed partial class RabbitMqAuditTrail(
    FaultEndpoints endpoints, RabbitMqConnection connection, RabbitMqFaultRights rights, TimeProvider clock, ILogger<RabbitMqAuditTrail> logger)
    : BackgroundService, IAuditTrail
{
    // No option: a queue keeps the arguments that it was declared with. A broker policy can shorten it.
    private const string MaxAge = "90D";

    private static readonly TimeSpan TryAgainAfter = TimeSpan.FromSeconds(2);

    /// <summary>The same where the broker refuses it, and writes that into its log.</summary>
    private static readonly TimeSpan TryAgainAfterRefusal = TimeSpan.FromMinutes(1);

    private readonly AuditMemory _entries = new();
    private readonly SemaphoreSlim _writing = new(1, 1);
    private IChannel? _writer;
    private string? _problem;

    /// <exception cref="MissingRightException">The broker's user may not write it.</exception>
    public async Task WriteAsync(AuditEntry entry, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(entry, JsonSerializerOptions.Web);
        var properties = new BasicProperties { ContentType = "application/json", Persistent = true };

        var writer = await GetWriterAsync(cancellationToken);
        try
        {
            // Completes when the entry is safe.
            await writer.BasicPublishAsync(exchange: endpoints.AuditStream, routingKey: "", mandatory: true, properties, body, cancellationToken);
        }
        catch (Exception) when (writer.CloseReason is { Initiator: ShutdownInitiator.Peer, ReplyCode: Constants.AccessRefused })
        {
            throw rights.RefusedToWrite(endpoints.AuditStream, FaultNeed.Replay, FaultNeed.Park, FaultNeed.Discard);
        }
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
            var pause = TryAgainAfter;
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
                pause = IsRefused(exception) ? TryAgainAfterRefusal : TryAgainAfter;
            }

            await Task.Delay(pause, clock, stoppingToken);
        }
    }

    /// <summary>Reads the stream from its beginning, and goes on with it until its channel is closed.</summary>
    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        var open = await connection.GetAsync(cancellationToken);
        await DeclareWhereNeededAsync(open, cancellationToken);
        await using var channel = await open.CreateChannelAsync(cancellationToken: cancellationToken);
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
                var open = await connection.GetAsync(cancellationToken);
                await DeclareWhereNeededAsync(open, cancellationToken);
                _writer = await open.CreateChannelAsync(
                    new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true),
                    cancellationToken);
            }

            return _writer;
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <remarks>Who may not declare it uses it where it is there.</remarks>
    private Task DeclareWhereNeededAsync(IConnection open, CancellationToken cancellationToken) => connection.DeclaresTopology
        ? BrokerProbe.AskAsync(open, channel => DeclareAsync(channel, endpoints.AuditStream, cancellationToken), cancellationToken)
        : Task.CompletedTask;

    /// <remarks>A stream that is missing could not be declared, where programs declare what they need.</remarks>
    private bool IsRefused(Exception exception) => exception is OperationInterruptedException interrupted
        && (interrupted.IsRightMissing() || (interrupted.ShutdownReason?.ReplyCode == Constants.NotFound && connection.DeclaresTopology));

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
