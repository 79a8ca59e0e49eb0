using System.Diagnostics;

namespace Orders.Bench.UnderTest;

/// <summary>Many clients that place orders at the same time.</summary>
internal static class ConcurrentLoad
{
    /// <summary>Places orders over so many connections, as fast as they are answered, for a while.</summary>
    public static Task<LoadResult> RunForAsync(int port, int connections, TimeSpan time)
    {
        var started = Stopwatch.GetTimestamp();
        return RunAsync(port, connections, () => Stopwatch.GetElapsedTime(started) < time);
    }

    /// <summary>Places exactly so many orders.</summary>
    public static async Task PlaceAsync(int port, int orders)
    {
        var left = orders;
        await RunAsync(port, connections: Math.Min(64, orders), () => Interlocked.Decrement(ref left) >= 0);
    }

    private static async Task<LoadResult> RunAsync(int port, int connections, Func<bool> goesOn)
    {
        var clients = Enumerable.Range(0, connections).Select(_ => OrderClient.Connect(port)).ToList();
        try
        {
            var started = Stopwatch.GetTimestamp();
            var answerTimes = await Task.WhenAll(clients.Select(client => Task.Factory.StartNew(
                () =>
                {
                    var times = new List<double>(10_000);
                    while (goesOn())
                    {
                        var (sent, answered) = client.Place();
                        times.Add(Stopwatch.GetElapsedTime(sent, answered).TotalMilliseconds);
                    }

                    return times;
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default)));
            var elapsed = Stopwatch.GetElapsedTime(started);
            return new LoadResult(elapsed, [.. answerTimes.SelectMany(times => times)]);
        }
        finally
        {
            foreach (var client in clients)
            {
                client.Dispose();
            }
        }
    }
}

/// <summary>What became of the load.</summary>
/// <param name="Elapsed">How long it took.</param>
/// <param name="AnswerTimes">The time from each request to its answer, in milliseconds.</param>
internal sealed record LoadResult(TimeSpan Elapsed, IReadOnlyList<double> AnswerTimes)
{
    /// <summary>Accepted orders a second.</summary>
    public double Rate => AnswerTimes.Count / Elapsed.TotalSeconds;
}
