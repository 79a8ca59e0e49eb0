using Orders.Bench.Limits;
using Orders.Bench.Results;
using Orders.Bench.UnderTest;

namespace Orders.Bench.Benchmarks;

/// <summary>What the machine, the broker and the sink can do without the programs.</summary>
internal sealed class MachineLimits : IBenchmark
{
    private const int Messages = 20_000;

    public string Word => "limits";

    public string Description => "Raw publishes, raw deliveries and raw SMTP, without the programs.";

    public async Task<IReadOnlyList<Figure>> MeasureAsync(SystemUnderTest system, int runs)
    {
        await using var api = await system.StartApiAsync();
        // For an email that can be sent again.
        await using (await system.StartWorkerAsync())
        {
            await system.WarmUpAsync(api, 100);
        }

        await using var raw = await RawBroker.ConnectAsync(system, api);
        await raw.PublishAsync(outstanding: 64, TimeSpan.FromSeconds(2));
        return
        [
            await MeasureAsync("raw confirmed publishes, 1 outstanding", "messages/s", runs, () => raw.PublishAsync(1, TimeSpan.FromSeconds(3))),
            await MeasureAsync("raw confirmed publishes, 16 outstanding", "messages/s", runs, () => raw.PublishAsync(16, TimeSpan.FromSeconds(3))),
            await MeasureAsync("raw confirmed publishes, 64 outstanding", "messages/s", runs, () => raw.PublishAsync(64, TimeSpan.FromSeconds(3))),
            await MeasureAsync("raw deliveries, each acknowledged, prefetch 16", "messages/s", runs, () => raw.ConsumeAsync(Messages, prefetch: 16)),
            await MeasureAsync("raw deliveries, each acknowledged, prefetch 256", "messages/s", runs, () => raw.ConsumeAsync(Messages, prefetch: 256)),
            await MeasureAsync("raw SMTP, 1 connection", "emails/s", runs, () => RawSmtp.SendAsync(system.Sink, 1, Messages)),
            await MeasureAsync("raw SMTP, 8 connections", "emails/s", runs, () => RawSmtp.SendAsync(system.Sink, 8, Messages)),
        ];
    }

    private static async Task<Figure> MeasureAsync(string name, string unit, int runs, Func<Task<double>> measureAsync)
    {
        var results = new List<double>();
        for (var run = 0; run < runs; run++)
        {
            results.Add(await measureAsync());
        }

        return new Figure(name, unit, Better.Higher, results);
    }
}
