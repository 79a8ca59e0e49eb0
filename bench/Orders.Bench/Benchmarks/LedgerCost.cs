using Orders.Bench.Results;
using Orders.Bench.UnderTest;
using Orders.Tests.Valkey;

namespace Orders.Bench.Benchmarks;

/// <summary>What the ledger costs: emails a second out of a full queue, without it and with it on Valkey, in turns.</summary>
internal sealed class LedgerCost : IBenchmark
{
    private const int Orders = 10_000;

    /// <summary>As many workers as are asked for.</summary>
    private static readonly int[] Crews = [1, 3];

    /// <summary>How much of the throughput without the ledger must be left with it.</summary>
    private const double LeastLeft = 0.8;

    public string Word => "ledger";

    public string Description => $"Emails a second out of a queue of {Orders:#,0} orders, without the ledger and with it on Valkey.";

    public async Task<IReadOnlyList<Figure>> MeasureAsync(OrderSystem system, int runs)
    {
        await using var valkey = await ValkeyServer.StartNewAsync();
        await using var api = await system.StartApiAsync();
        var figures = new List<Figure>();
        foreach (var crew in Crews)
        {
            var (without, with) = (new List<double>(), new List<double>());
            for (var run = 0; run < runs; run++)
            {
                without.Add(await SendAsync(system, api, crew, ("Ledger__Store", "None")));
                with.Add(await SendAsync(system, api, crew, valkey.Settings));
            }

            var by = crew == 1 ? "by 1 worker" : $"by {crew} workers";
            figures.Add(new Figure($"emails sent {by} without the ledger", "emails/s", Better.Higher, without));
            figures.Add(new Figure($"emails sent {by} with the ledger", "emails/s", Better.Higher, with));
            figures.Add(new Figure(
                $"emails sent {by} with the ledger for each without", "ratio", Better.Higher, [with.Median() / without.Median()], Target: LeastLeft));
        }

        return figures;
    }

    private static async Task<double> SendAsync(OrderSystem system, RunningProgram api, int crew, params (string Name, string Value)[] settings)
    {
        var workers = new List<RunningProgram>();
        try
        {
            for (var worker = 0; worker < crew; worker++)
            {
                workers.Add(await system.StartWorkerAsync(settings));
            }

            await system.WarmUpAsync(api, OrderSystem.WarmUpOrders);
            return Orders / (await system.WorkOffAsync(api, Orders)).TotalSeconds;
        }
        finally
        {
            foreach (var worker in workers)
            {
                await worker.DisposeAsync();
            }
        }
    }
}
