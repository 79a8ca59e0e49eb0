using MassTransit;

namespace Orders.FaultQueues.Job;

/// <summary>What those have in common who look after a queue again and again.</summary>
internal static class FaultPasses
{
    /// <summary>Makes a pass in every period, from when the bus is ready until cancelled. One that fails does not end it.</summary>
    /// <param name="bus">The bus.</param>
    /// <param name="period">The time from one pass to the next.</param>
    /// <param name="clock">Measures it.</param>
    /// <param name="passAsync">Makes a pass.</param>
    /// <param name="onFailed">Is told why one failed.</param>
    /// <param name="stoppingToken">Ends it.</param>
    public static async Task RunAsync(
        IBusControl bus, TimeSpan period, TimeProvider clock, Func<CancellationToken, Task> passAsync, Action<string> onFailed, CancellationToken stoppingToken)
    {
        // Else a message could be parked before the queue of those who are to hear of it is there.
        await bus.WaitForHealthStatus(BusHealthStatus.Healthy, stoppingToken);

        using var timer = new PeriodicTimer(period, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await passAsync(stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                // The broker is away, most likely. What was held is back in its queue; the next pass tries again.
                onFailed(exception.GetBaseException().Message);
            }
        }
    }
}
