using System.Globalization;
using Orders.Bench.Results;
using Orders.Bench.UnderTest;
using Orders.Testing.Ledger;
using Orders.Testing.Mail;

namespace Orders.Bench.Benchmarks;

/// <summary>How much of what an account may send is used by workers that share it, at a provider that refuses what is too much.</summary>
internal sealed class AccountRate : IBenchmark
{
    private const int Orders = 2_000;
    private const int MaxPerSecond = 140;
    private const int Workers = 3;

    /// <summary>How much of the account must be used.</summary>
    private const double LeastUsed = 0.95;

    /// <summary>How much of what is sent may be too much.</summary>
    private const double MostRefused = 0.01;

    public string Word => "rate";

    public string Description => $"How much of an account of {MaxPerSecond} emails a second {Workers} workers use, out of a queue of {Orders:#,0} orders.";

    public async Task<IReadOnlyList<Figure>> MeasureAsync(SystemUnderTest system, int runs)
    {
        await using var valkey = await ValkeyServer.StartNewAsync(asDeployed: true);
        await using var api = await system.StartApiAsync();
        // Far from what they could send, they need no warming up.
        (string, string)[] settings = [.. valkey.Settings, ("Email__MaxPerSecond", MaxPerSecond.ToString(CultureInfo.InvariantCulture))];
        await using var first = await system.StartWorkerAsync(settings);
        await using var second = await system.StartWorkerAsync(settings);
        await using var third = await system.StartWorkerAsync(settings);

        var (used, refused) = (new List<double>(), new List<double>());
        for (var run = 0; run < runs; run++)
        {
            var account = system.Sink.Account = new RateLimitedAccount(MaxPerSecond);
            used.Add(Orders / (await system.WorkOffAsync(api, Orders)).TotalSeconds / MaxPerSecond);
            refused.Add(account.Refused / (double)account.Asked);
        }

        return
        [
            new Figure($"share of an account of {MaxPerSecond} emails a second that {Workers} workers use", "ratio", Better.Higher, used, Target: LeastUsed),
            new Figure("share of their emails that were too many at a time", "ratio", Better.Lower, refused, Target: MostRefused),
        ];
    }
}
