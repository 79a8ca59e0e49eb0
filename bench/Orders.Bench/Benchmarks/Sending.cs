using Orders.Bench.Limits;
using Orders.Bench.Results;
using Orders.Bench.UnderTest;

namespace Orders.Bench.Benchmarks;

/// <summary>How many emails workers send a second while the queue is full: one, two and three of them, in turns.</summary>
internal sealed class Sending : IBenchmark
{
    private const int Orders = 10_000;

    /// <summary>What must be reached: three times what a plain Node program did on such a machine.</summary>
    private static readonly Dictionary<int, double?> Targets = new() { [1] = 3 * 859, [3] = 3 * 1_015 };

    public string Word => "send";

    public string Description => $"Emails a second out of a queue of {Orders:#,0} orders, with 1, 2 and 3 workers.";

    public async Task<IReadOnlyList<Figure>> MeasureAsync(SystemUnderTest system, int runs)
    {
        await using var another = await system.StartAnotherAsync();
        await using var third = await system.StartAnotherAsync();
        SystemUnderTest[] systems = [system, another, third];
        var groups = new List<(WorkerGroup WorkerGroup, List<double> Rates, List<double> ProcessorTimes)>();
        foreach (var own in systems)
        {
            groups.Add((await WorkerGroup.StartAsync(own, await own.StartApiAsync(), workers: groups.Count + 1), [], []));
        }

        var limits = new List<double>();
        for (var run = 0; run < runs; run++)
        {
            foreach (var (group, rates, processorTimes) in groups)
            {
                var before = group.ProcessorTime;
                rates.Add(Orders / (await group.WorkOffAsync(Orders)).TotalSeconds);
                processorTimes.Add((group.ProcessorTime - before).TotalMicroseconds / Orders);
                limits.Add(await RawSmtp.SendAsync(system.Sink, connections: 8, emails: Orders));
            }
        }

        var limit = new Limit("raw SMTP, 8 connections", limits.Median());
        return
        [
            .. groups.SelectMany(measured => new[]
            {
                new Figure($"emails sent by {measured.WorkerGroup}", "emails/s", Better.Higher, measured.Rates, limit, Targets.GetValueOrDefault(measured.WorkerGroup.Size)),
                new Figure($"processor time of the workers for an email sent by {measured.WorkerGroup}", "µs", Better.Lower, measured.ProcessorTimes),
            }),
            new Figure("emails sent by 3 workers for each sent by 1", "ratio", Better.Higher, [groups[2].Rates.Median() / groups[0].Rates.Median()], Target: 1),
        ];
    }
}
