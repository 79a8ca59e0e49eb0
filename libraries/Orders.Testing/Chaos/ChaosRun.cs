using System.Diagnostics;

namespace Orders.Testing.Chaos;

/// <summary>Breaks the system on purpose while orders come in, lets it come to rest, and accounts for every order.</summary>
internal static class ChaosRun
{
    private static readonly TimeSpan SettleTime = TimeSpan.FromMinutes(5);

    /// <param name="options">What to do.</param>
    /// <param name="log">Told of each act when it begins and ends, in one line.</param>
    /// <param name="cancellationToken">Ends the run early; what was accepted until then is accounted for.</param>
    public static async Task<ChaosReport> RunAsync(ChaosOptions options, TextWriter log, CancellationToken cancellationToken = default)
    {
        await using var system = await ChaosSystem.StartAsync(options.Broker);
        var losses = new ChaosLosses();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var customers = new Customers(system.Http, new Random(options.Seed));
        var clock = Stopwatch.StartNew();

        over.CancelAfter(options.Duration);
        var placing = customers.PlaceAsync(options.OrdersPerSecond, over.Token);
        await Task.WhenAll(ChaosSchedule.Make(options.Seed, options.Duration).Select(acts => PerformAsync(acts)));
        await placing;

        await log.WriteLineAsync($"{Time()} everything is mended, {customers.Orders.Count} orders were tried; waiting for the last of them");
        await system.WaitUntilSettledAsync(SettleTime);
        losses.SentAgain = system.SentAgain;
        return new ChaosReport(options, system.BrokerVersion, customers, losses, system.Mail.Messages, await system.TakeParkedAsync());

        async Task PerformAsync(IReadOnlyList<ChaosAct> acts)
        {
            foreach (var act in acts)
            {
                if (!await PassAsync(act.At - clock.Elapsed))
                {
                    return;
                }

                await log.WriteLineAsync($"{Time()} {act.Fault} for {act.Lasts.TotalSeconds:0.0} s");
                losses.Add(act.Fault);
                if (act.Fault == ChaosFault.UnreadableMessage)
                {
                    if (await system.SendUnreadableAsync())
                    {
                        losses.AddUnreadable();
                    }

                    continue;
                }

                var mend = await system.BreakAsync(act.Fault);
                await PassAsync(act.Lasts);
                await mend();
                await log.WriteLineAsync($"{Time()} {act.Fault} is over");
            }
        }

        async Task<bool> PassAsync(TimeSpan time)
        {
            if (time > TimeSpan.Zero)
            {
                using var timer = new PeriodicTimer(time);
                try
                {
                    await timer.WaitForNextTickAsync(over.Token);
                }
                catch (OperationCanceledException)
                {
                }
            }

            return !over.IsCancellationRequested;
        }

        string Time() => clock.Elapsed.ToString(@"mm\:ss", null);
    }
}
