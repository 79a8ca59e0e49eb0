using System.Diagnostics;
using Orders.Bench.Results;
using Orders.Bench.UnderTest;

namespace Orders.Bench.Benchmarks;

/// <summary>How long one order takes while nothing else is to be done: from the request to the mail server's acceptance.</summary>
internal sealed class Latency : IBenchmark
{
    private const int Orders = 200;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    public string Word => "latency";

    public string Description => "Time from an order to its email, one order at a time.";

    public async Task<IReadOnlyList<Figure>> MeasureAsync(SystemUnderTest system, int runs)
    {
        await using var api = await system.StartApiAsync();
        await using var worker = await system.StartWorkerAsync();
        await system.WarmUpAsync(api, SystemUnderTest.WarmUpOrders);
        using var client = OrderClient.Connect(api.Port);
        using var timer = new PeriodicTimer(Pause);

        var medians = new List<double>();
        var slow = new List<double>();
        var answers = new List<double>();
        for (var run = 0; run < runs; run++)
        {
            var toEmail = new List<double>();
            var toAnswer = new List<double>();
            for (var order = 0; order < Orders; order++)
            {
                await timer.WaitForNextTickAsync();
                long accepted = 0;
                var email = system.Sink.Expect(1, _ => accepted = Stopwatch.GetTimestamp());
                var (sent, answered) = client.Place();
                await email.WaitAsync(TimeSpan.FromSeconds(30));
                toEmail.Add(Stopwatch.GetElapsedTime(sent, accepted).TotalMilliseconds);
                toAnswer.Add(Stopwatch.GetElapsedTime(sent, answered).TotalMilliseconds);
            }

            medians.Add(toEmail.Median());
            slow.Add(toEmail.Percentile(0.99));
            answers.Add(toAnswer.Median());
        }

        return
        [
            new Figure("order to email, idle, median", "ms", Better.Lower, medians, Target: 5),
            new Figure("order to email, idle, 99th percentile", "ms", Better.Lower, slow),
            new Figure("order to answer, idle, median", "ms", Better.Lower, answers),
        ];
    }
}
