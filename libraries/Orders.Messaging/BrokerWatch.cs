using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Orders.Messaging;

/// <summary>
/// Knows whether the broker takes messages, by giving it one a second on a connection of its own. A broker whose memory
/// or disk runs out keeps its connections and stops reading from those that publish; who does not publish is not told
/// (https://www.rabbitmq.com/docs/connection-blocked). A network that is cut tells nobody anything.
/// </summary>
public sealed partial class BrokerWatch(
    IOptions<RabbitMqOptions> options, IHostEnvironment environment, TimeProvider clock, ILogger<BrokerWatch> logger)
    : BackgroundService, IHealthCheck
{
    /// <summary>
    /// The exchange that the messages go to, and the queue that keeps the newest of them: nobody reads it, but a message
    /// that no queue takes would look like a mistake in the broker's statistics.
    /// </summary>
    public const string Exchange = "order-notifications_watch";

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>How long the broker may take to confirm a message.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private volatile string? _blocked;
    private volatile string? _problem = "not connected yet";

    /// <summary>Why the broker takes no messages, as the end of a sentence; <c>null</c> as long as it takes them.</summary>
    public string? Problem => _blocked ?? _problem;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(Problem is { } problem ? HealthCheckResult.Unhealthy($"The broker takes no messages: {problem}") : HealthCheckResult.Healthy());

    /// <summary>Declares the exchange and its queue.</summary>
    internal static Task DeclareAsync(IChannel channel, CancellationToken cancellationToken) =>
        channel.DeclareWithExchangeAsync(Exchange, QueueArguments.Signalling(length: 1), cancellationToken);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await WatchAsync(stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                _blocked = null;
                Say(IsTopologyMissing(exception)
                    ? "its queues and exchanges have not been deployed; run the worker's command deploy-topology"
                    : exception.GetBaseException().Message);
            }

            await Task.Delay(Period, clock, stoppingToken);
        }
    }

    /// <summary>Goes on until the connection breaks.</summary>
    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        await using var connection = await options.Value.ConnectAsync($"{environment.ApplicationName} watch", cancellationToken);
        connection.ConnectionBlockedAsync += (_, blocked) =>
        {
            _blocked = $"it blocks publishers ({blocked.Reason})";
            Log.TakesNone(logger, _blocked);
            return Task.CompletedTask;
        };
        connection.ConnectionUnblockedAsync += (_, _) =>
        {
            _blocked = null;
            Log.TakesMessages(logger);
            return Task.CompletedTask;
        };
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellationToken);
        if (options.Value.Topology == Topology.Declare)
        {
            await DeclareAsync(channel, cancellationToken);
        }

        while (true)
        {
            var confirmed = channel.BasicPublishAsync(Exchange, routingKey: "", ReadOnlyMemory<byte>.Empty, cancellationToken).AsTask();
            try
            {
                await confirmed.WaitAsync(Patience, clock, cancellationToken);
            }
            catch (TimeoutException)
            {
                Say($"it has not confirmed one for {Patience.TotalSeconds:0} s");
                // Until it does after all, or the heartbeat ends the connection.
                await confirmed;
            }

            Say(null);
            await Task.Delay(Period, clock, cancellationToken);
        }
    }

    private bool IsTopologyMissing(Exception exception) =>
        options.Value.Topology == Topology.Deployed
        && exception.GetBaseException() is OperationInterruptedException { ShutdownReason.ReplyCode: Constants.NotFound };

    private void Say(string? problem)
    {
        var before = _problem;
        _problem = problem;
        if (before != problem && problem is not null)
        {
            Log.TakesNone(logger, problem);
        }
        else if (before is not null && problem is null)
        {
            Log.TakesMessages(logger);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 20, Level = LogLevel.Warning, Message = "The broker takes no messages: {Problem}")]
        public static partial void TakesNone(ILogger logger, string problem);

        [LoggerMessage(EventId = 21, Level = LogLevel.Information, Message = "The broker takes messages")]
        public static partial void TakesMessages(ILogger logger);
    }
}
