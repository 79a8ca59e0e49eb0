using Orders.FaultQueues.Live;

namespace Orders.FaultQueues.Inspection;

/// <summary>Counts the messages every second as long as somebody listens.</summary>
public sealed partial class FaultWatch(FaultInspector inspector, FaultFeed feed, TimeProvider clock, ILogger<FaultWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (!feed.HasListeners)
            {
                continue;
            }

            try
            {
                feed.Tell(await inspector.CountAllAsync(stoppingToken));
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Log.NotCounted(logger, exception);
            }
        }
    }

    private static partial class Log
    {
        // The broker's absence is told by those who need it.
        [LoggerMessage(EventId = 230, Level = LogLevel.Debug, Message = "Could not count the faults")]
        public static partial void NotCounted(ILogger logger, Exception exception);
    }
}
