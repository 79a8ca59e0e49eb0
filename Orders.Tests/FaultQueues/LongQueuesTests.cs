using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Orders.Messaging.Failures;
using Orders.Tests.EndToEnd;
using RabbitMQ.Client;

namespace Orders.Tests.FaultQueues;

/// <summary>A worker whose fault queues are long: it goes on, says what is in them, and stays small.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnQuorumQueues))]
[Alone]
internal sealed class LongQueuesTests(TransportUnderTest transport) : OrderSystemTests
{
    private const string Error = OrderConfirmationEndpoint.ErrorQueue;
    private const string Parked = OrderConfirmationEndpoint.ParkingQueue;
    private const int MiB = 1024;

    [Long]
    [TestCase(50_000, 20, 256)]
    [TestCase(200_000, 60, 384, Explicit = true, Reason = "It takes many minutes.")]
    public async Task A_permanent_failure_behind_thousands_that_wait_is_parked_and_told(int waiting, int seconds, int memory)
    {
        await FillAsync(Error, waiting, FailureKind.Transient);
        await FillAsync(Error, 1, FailureKind.Permanent, first: waiting);
        using var http = new HttpClient();
        await using var worker = await StartWorkerAsync(http);
        var watch = Stopwatch.StartNew();
        var slowest = TimeSpan.Zero;

        await Eventually.GetAsync(
            "the alert",
            async cancellationToken =>
            {
                slowest = await AskAsync(http, slowest, cancellationToken);
                return TheSystem.Alerts.Count;
            },
            count => count == 1,
            TimeSpan.FromSeconds(3 * seconds));

        Report(worker, watch.Elapsed, slowest);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((await http.GetFromJsonAsync<JsonNode>("order-confirmation/parked"))!["items"]![0]!["orderId"]!.ToString(), Is.EqualTo(Text(waiting)));
            Assert.That(slowest, Is.LessThan(TimeSpan.FromSeconds(3)));
            Assert.That(PeakMemoryOf(worker), Is.LessThan(memory * MiB));
        }
    }

    [Long]
    [TestCase(50_000, 10, 256)]
    public async Task The_last_of_thousands_that_are_parked_is_replayed(int parked, int seconds, int memory)
    {
        await FillAsync(Parked, parked, FailureKind.Permanent);
        using var http = new HttpClient();
        await using var worker = await StartWorkerAsync(http);
        await Eventually.GetAsync(
            "a list", cancellationToken => http.GetAsync("order-confirmation/parked?take=1", cancellationToken), answer => answer.IsSuccessStatusCode, TimeSpan.FromMinutes(2));
        var watch = Stopwatch.StartNew();
        var slowest = TimeSpan.Zero;

        using var began = await http.PostAsJsonAsync("order-confirmation/parked/replay", new { filter = new { orderId = Text(parked - 1) } });
        var operation = (await began.Content.ReadFromJsonAsync<JsonNode>())!;
        var email = await Eventually.GetAsync(
            "the email",
            async cancellationToken =>
            {
                slowest = await AskAsync(http, slowest, cancellationToken);
                return TheSystem.Confirmations;
            },
            emails => emails.Count > 0,
            TimeSpan.FromSeconds(3 * seconds));

        Report(worker, watch.Elapsed, slowest);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((int?)operation["operation"]!["total"], Is.EqualTo(1), operation.ToJsonString());
            Assert.That(email.Single().Subject, Does.Contain(Text(parked - 1)));
            Assert.That(slowest, Is.LessThan(TimeSpan.FromSeconds(3)));
            Assert.That(PeakMemoryOf(worker), Is.LessThan(memory * MiB));
        }
    }

    [SetUp]
    public async Task DeclareAsync()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.DeclareFaultQueuesAsync(transport.QueueType);
    }

    private async Task<Server> StartWorkerAsync(HttpClient http)
    {
        var address = $"http://127.0.0.1:{Ports.Free(1)[0]}";
        http.BaseAddress = new Uri($"{address}/faults/api/");
        http.DefaultRequestHeaders.Authorization = Basic.Of("olga");
        return await TheSystem.StartWorkerProcessAsync(
            [.. Basic.Users, ("ASPNETCORE_URLS", address), ("Replay__Period", "00:00:10"), ("Replay__Backoff__0", "1.00:00:00")]);
    }

    /// <summary>Asks for the overview, which must always answer.</summary>
    private static async Task<TimeSpan> AskAsync(HttpClient http, TimeSpan slowest, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        using var answer = await http.GetAsync(new Uri("", UriKind.Relative), cancellationToken);
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        return watch.Elapsed > slowest ? watch.Elapsed : slowest;
    }

    private async Task FillAsync(string queue, int count, FailureKind kind, int first = 0)
    {
        await using var connection = await TheSystem.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
        foreach (var portion in Enumerable.Range(first, count).Chunk(1_000))
        {
            await Task.WhenAll(portion.Select(number =>
            {
                var fault = SampleFaults.Create(Text(number), kind: kind, failedAt: DateTimeOffset.UtcNow);
                return channel.BasicPublishAsync(
                    "",
                    queue,
                    mandatory: true,
                    new BasicProperties
                    {
                        Persistent = true,
                        MessageId = fault.MessageId,
                        ContentType = fault.ContentType,
                        Headers = new Dictionary<string, object?>(fault.Headers),
                    },
                    fault.Body).AsTask();
            }));
        }
    }

    private static void Report(Server worker, TimeSpan took, TimeSpan slowest) => TestContext.Out.WriteLine(FormattableString.Invariant(
        $"It took {took.TotalSeconds:F1} s; slowest overview {slowest.TotalSeconds:F2} s; peak memory {PeakMemoryOf(worker) / 1024} MiB; load {File.ReadAllText("/proc/loadavg").Split(' ')[0]}"));

    /// <summary>The most memory that a program has had, in KiB.</summary>
    private static int PeakMemoryOf(Server program) => int.Parse(
        File.ReadLines($"/proc/{program.ProcessId}/status").Single(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
