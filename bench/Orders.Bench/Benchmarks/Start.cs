using Orders.Bench.Results;
using Orders.Bench.UnderTest;

namespace Orders.Bench.Benchmarks;

/// <summary>How long the programs take from their start until they call themselves ready.</summary>
internal sealed class Start : IBenchmark
{
    private const double Target = 3;

    public string Word => "start";

    public string Description => "Time from the start of each program until it is ready.";

    public async Task<IReadOnlyList<Figure>> MeasureAsync(SystemUnderTest system, int runs) =>
    [
        new Figure("start of the API until it is ready", "s", Better.Lower, await TimeAsync(system.StartApiAsync, runs), Target: Target),
        new Figure("start of a worker until it is ready", "s", Better.Lower, await TimeAsync(() => system.StartWorkerAsync(), runs), Target: Target),
    ];

    private static async Task<List<double>> TimeAsync(Func<Task<RunningProgram>> startAsync, int runs)
    {
        var times = new List<double>();
        // The first one warms the disk.
        for (var run = 0; run <= runs; run++)
        {
            await using var program = await startAsync();
            if (run > 0)
            {
                times.Add(program.TimeToReady.TotalSeconds);
            }
        }

        return times;
    }
}
