using Orders.Bench.Results;
using Orders.Bench.UnderTest;
using Orders.Testing.Ledger;

namespace Orders.Bench.Benchmarks;

/// <summary>What the ledger costs: emails a second out of a full queue, without it and with it on Valkey, in turns.</summary>
internal sealed class LedgerCost : IBenchmark
{
    private const int Orders = 10_000;

    /// <summary>As many workers as are asked for.</summary>
    private static readonly int[] Groups = [1, 3];

    /// <summary>How much of the throughput without the ledger must be left with it.</summary>
    private const double LeastLeft = 0.8;

    public string Word => "ledger";

    public string Description => $"Emails a second out of a queue of {Orders:#,0} orders, without the ledger and with it on Valkey.";

    public async Task<IReadOnlyList<Figure>> MeasureAsync(SystemUnderTest system, int runs)
    {
        await using var valkey = await ValkeyServer.StartNewAsync(asDeployed: true);
        await using var other = await system.StartAnotherAsync();
        await using var api = await system.StartApiAsync();
        await using var otherApi = await other.StartApiAsync();
        var figures = new List<Figure>();
        foreach (var workers in Groups)
        {
            await using var without = await WorkerGroup.StartAsync(system, api, workers, ("Ledger__Store", "None"));
            await using var with = await WorkerGroup.StartAsync(other, otherApi, workers, valkey.Settings);
            var (withoutRates, withRates) = (new List<double>(), new List<double>());
            for (var run = 0; run < runs; run++)
            {
                withoutRates.Add(await SendAsync(without));
                withRates.Add(await SendAsync(with));
            }

            var by = $"by {with}";
            figures.Add(new Figure($"emails sent {by} without the ledger", "emails/s", Better.Higher, withoutRates));
            figures.Add(new Figure($"emails sent {by} with the ledger", "emails/s", Better.Higher, withRates));
            figures.Add(new Figure(
                $"emails sent {by} with the ledger for each without", "ratio", Better.Higher, [withRates.Median() / withoutRates.Median()], Target: LeastLeft));
        }

        return figures;
    }

    private static async Task<double> SendAsync(WorkerGroup group) => Orders / (await group.WorkOffAsync(Orders)).TotalSeconds;
}
