using Orders.Bench.Results;
using Orders.Bench.UnderTest;

namespace Orders.Bench.Benchmarks;

/// <summary>Whether an email costs the same however many orders wait.</summary>
internal sealed class Growth : IBenchmark
{
    /// <summary>How many orders wait, and how often in each run: a few emails alone are over too soon to be timed.</summary>
    private static readonly (int Orders, int Rounds)[] Backlogs = [(1_000, 10), (10_000, 2), (100_000, 1)];

    public string Word => "growth";

    public string Description => "Time and memory for an email while 1,000, 10,000 and 100,000 orders wait.";

    public async Task<IReadOnlyList<Figure>> MeasureAsync(SystemUnderTest system, int runs)
    {
        await using var api = await system.StartApiAsync();
        await using var worker = await system.StartWorkerAsync();
        await system.WarmUpAsync(api, SystemUnderTest.WarmUpOrders);

        var times = Backlogs.Select(_ => new List<double>()).ToArray();
        var memory = Backlogs.Select(_ => new List<double>()).ToArray();
        for (var run = 0; run < runs; run++)
        {
            for (var i = 0; i < Backlogs.Length; i++)
            {
                var (orders, rounds) = Backlogs[i];
                worker.ForgetPeak();
                var elapsed = TimeSpan.Zero;
                for (var round = 0; round < rounds; round++)
                {
                    elapsed += await system.WorkOffAsync(api, orders);
                }

                times[i].Add(elapsed.TotalMicroseconds / orders / rounds);
                memory[i].Add(worker.PeakMemoryMiB);
            }
        }

        return
        [
            .. Backlogs.Select((backlog, i) => new Figure($"time for an email, {backlog.Orders:#,0} orders waiting", "µs", Better.Lower, times[i])),
            new Figure("time for an email, the most for the least of these", "ratio", Better.Lower, [Spread(times)], Target: 1.2),
            .. Backlogs.Select((backlog, i) => new Figure($"memory of a worker, {backlog.Orders:#,0} orders waiting", "MiB", Better.Lower, memory[i], Target: 200)),
            new Figure("memory of a worker, the most for the least of these", "ratio", Better.Lower, [Spread(memory)], Target: 1.2),
        ];
    }

    private static double Spread(IEnumerable<List<double>> runs)
    {
        var medians = runs.Select(run => run.Median()).ToArray();
        return medians.Max() / medians.Min();
    }
}
