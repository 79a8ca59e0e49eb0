using Orders.Bench.Limits;
using Orders.Bench.Results;
using Orders.Bench.UnderTest;

namespace Orders.Bench.Benchmarks;

/// <summary>How many orders the API accepts a second, each confirmed by the broker. No worker runs.</summary>
internal sealed class Intake : IBenchmark
{
    /// <summary>The connections, and what must be reached with them: 40, 14 and 20 times what a plain Node program did on such a machine.</summary>
    private static readonly (int Connections, double Target)[] Loads = [(1, 40 * 21), (16, 14 * 297), (64, 20 * 493)];

    private static readonly TimeSpan Time = TimeSpan.FromSeconds(5);

    /// <summary>Until the runtime has compiled everything for the last time.</summary>
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(15);

    public string Word => "intake";

    public string Description => "Orders accepted a second over 1, 16 and 64 connections.";

    public async Task<IReadOnlyList<Figure>> MeasureAsync(SystemUnderTest system, int runs)
    {
        await using var api = await system.StartApiAsync();
        await using var raw = await RawBroker.ConnectAsync(system, api);
        await ConcurrentLoad.RunForAsync(api.Port, connections: 64, WarmUp);
        await raw.PublishAsync(outstanding: 64, TimeSpan.FromSeconds(2));

        var figures = new List<Figure>();
        foreach (var (connections, target) in Loads)
        {
            var results = new List<LoadResult>();
            var limits = new List<double>();
            var processor = TimeSpan.Zero;
            for (var run = 0; run < runs; run++)
            {
                var before = api.ProcessorTime;
                results.Add(await ConcurrentLoad.RunForAsync(api.Port, connections, Time));
                processor += api.ProcessorTime - before;
                await system.PurgeAsync();
                limits.Add(await raw.PublishAsync(connections, TimeSpan.FromSeconds(2)));
            }

            var limit = new Limit($"raw confirmed publishes, {connections} outstanding", limits.Median());
            var over = connections == 1 ? "over 1 connection" : $"over {connections} connections";
            figures.Add(new Figure($"orders accepted {over}", "orders/s", Better.Higher, [.. results.Select(result => result.Rate)], limit, target));
            figures.Add(new Figure($"answer to an order {over}, median", "ms", Better.Lower, [.. results.Select(result => result.AnswerTimes.Median())]));
            figures.Add(new Figure(
                $"answer to an order {over}, 99th percentile", "ms", Better.Lower, [.. results.Select(result => result.AnswerTimes.Percentile(0.99))], Target: connections == 16 ? 10 : null));
            figures.Add(new Figure(
                $"processor time of the API for an order {over}", "µs", Better.Lower, [processor.TotalMicroseconds / results.Sum(result => result.AnswerTimes.Count)]));
        }

        return figures;
    }
}
