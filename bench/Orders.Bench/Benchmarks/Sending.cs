using Orders.Bench.Limits;
using Orders.Bench.Results;
using Orders.Bench.UnderTest;

namespace Orders.Bench.Benchmarks;

/// <summary>How many emails workers send a second while the queue is full.</summary>
internal sealed class Sending : IBenchmark
{
    private const int Orders = 10_000;

    /// <summary>The workers, and what must be reached with them: three times what a plain Node program did on such a machine.</summary>
    private static readonly (int Workers, double? Target)[] Crews = [(1, 3 * 859), (2, null), (3, 3 * 1_015)];

    public string Word => "send";

    public string Description => $"Emails a second out of a queue of {Orders:#,0} orders, with 1, 2 and 3 workers.";

    public async Task<IReadOnlyList<Figure>> MeasureAsync(OrderSystem system, int runs)
    {
        await using var api = await system.StartApiAsync();
        var figures = new List<Figure>();
        var rates = new List<double[]>();
        foreach (var (workers, target) in Crews)
        {
            await using var crew = await Crew.StartAsync(system, api, workers);
            var times = new List<TimeSpan>();
            var limits = new List<double>();
            var processor = TimeSpan.Zero;
            for (var run = 0; run < runs; run++)
            {
                var before = crew.ProcessorTime;
                times.Add(await crew.WorkOffAsync(Orders));
                processor += crew.ProcessorTime - before;
                limits.Add(await RawSmtp.SendAsync(system.Sink, connections: 8, emails: Orders));
            }

            rates.Add([.. times.Select(time => Orders / time.TotalSeconds)]);
            var by = $"by {crew}";
            figures.Add(new Figure($"emails sent {by}", "emails/s", Better.Higher, rates[^1], new Limit("raw SMTP, 8 connections", limits.Median()), target));
            figures.Add(new Figure($"processor time of the workers for an email sent {by}", "µs", Better.Lower, [processor.TotalMicroseconds / (Orders * runs)]));
        }

        figures.Add(new Figure("emails sent by 3 workers for each sent by 1", "ratio", Better.Higher, [rates[2].Median() / rates[0].Median()], Target: 1));
        return figures;
    }
}
