using MassTransit;
using Microsoft.Extensions.Options;
using Orders.Messaging;
using Orders.Messaging.Operators;

namespace Orders.Email.Outages;

/// <summary>What the events of an outage begin with, as routing keys.</summary>
internal sealed record MailOutageEvents(string Prefix);

/// <summary>Tells people and other programs of each outage of the mail server, once when it begins and once when it has ended.</summary>
internal sealed partial class MailOutageAnnouncer(
    MailOutageEvents events,
    MailCircuitBreaker breaker,
    IBus bus,
    OperatorEvents operators,
    EmailMetrics metrics,
    IOptions<EmailOptions> options,
    TimeProvider time,
    ILogger<MailOutageAnnouncer> logger) : BackgroundService
{
    private static readonly TimeSpan TimeToPublish = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        metrics.ObserveOutage(() => breaker.ClosedSince is null);
        while (true)
        {
            await WaitUntilAsync(() => breaker.Outage is not null, stoppingToken);
            if (breaker.Outage is { } outage)
            {
                Log.Unreachable(logger, outage.Since, outage.Reason);
                await PublishAsync(new MailServerUnreachable(outage.Since, outage.Reason), stoppingToken);
                await operators.PublishAsync(new OperatorEvent($"{events.Prefix}.outage.began", outage.Since, OrderId: null, MessageId: null, outage.Reason), stoppingToken);
                var until = await WaitForEndAsync(stoppingToken);
                Log.Reachable(logger, until, outage.Since);
                await PublishAsync(new MailServerReachable(outage.Since, until), stoppingToken);
                await operators.PublishAsync(new OperatorEvent($"{events.Prefix}.outage.ended", until, OrderId: null, MessageId: null, outage.Reason), stoppingToken);
            }
        }
    }

    /// <returns>When the circuit closed and stayed closed.</returns>
    private async Task<DateTimeOffset> WaitForEndAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await WaitUntilAsync(() => breaker.ClosedSince is not null, cancellationToken);
            if (breaker.ClosedSince is not { } closed)
            {
                continue;
            }

            using var settling = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            using var settled = new CancellationTokenSource(options.Value.Outage.SettlingTime, time);
            using var registration = settled.Token.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), settling);
            try
            {
                await WaitUntilAsync(() => breaker.ClosedSince != closed, settling.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return closed;
            }
        }
    }

    private async Task WaitUntilAsync(Func<bool> condition, CancellationToken cancellationToken)
    {
        while (true)
        {
            // Before the look: what changes after it is not missed.
            var changed = breaker.Changed;
            if (condition())
            {
                return;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    private async Task PublishAsync<T>(T message, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            await bus.PublishWithinAsync(message, TimeToPublish, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // It stands in the log, and the next outage is another chance.
            Log.NotPublished(logger, typeof(T).Name, exception);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2131, LogLevel.Critical, "The mail server cannot be reached since {Since:O}; emails wait, and are sent when it is back. {Reason}")]
        public static partial void Unreachable(ILogger logger, DateTimeOffset since, string reason);

        [LoggerMessage(2132, LogLevel.Information, "The mail server is back since {Until:O}; it could not be reached since {Since:O}")]
        public static partial void Reachable(ILogger logger, DateTimeOffset until, DateTimeOffset since);

        [LoggerMessage(2133, LogLevel.Warning, "{Message} could not be published")]
        public static partial void NotPublished(ILogger logger, string message, Exception exception);
    }
}
