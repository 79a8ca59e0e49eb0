using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Orders.FaultQueues;
using Orders.Messaging;
using Orders.Tests.EndToEnd;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Orders.Tests;

/// <summary>A console beside a program that knows nothing of us and has left 100,000 faults.</summary>
[TestFixtureSource(nameof(Transports))]
[Long]
[Alone]
internal sealed class StockProgramTests(TransportUnderTest transport) : OrderSystemTests
{
    private const int Faults = 100_000;

    /// <summary>
    /// How many of them really failed. All would take two minutes of two processors. The others are put beside them, each with
    /// a body and an id of its own, and with the headers of one that failed.
    /// </summary>
    private const int Failed = 5_000;

    private const int Untaxed = 3_000;
    private const int Unpriced = 1_000;
    private const int Parcels = 1_000;
    private const int Items = 100;
    private const int Parked = 200;
    private const int Discarded = 50;
    private const string Errors = StockProgram.Billing + FaultEndpoint.ErrorSuffix;
    private const string Parking = StockProgram.Billing + FaultEndpoint.ParkingSuffix;

    /// <summary>In KiB: 115 MiB as it starts, half a kilobyte for each line that a look keeps, and what reading leaves to the garbage collector.</summary>
    private const int MostMemory = 320 * 1024;

    private readonly Cleanup _cleanup = new();
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private StockProgram _stock = null!;
    private Server _console = null!;
    private HttpClient _http = null!;
    private int _discarded;

    /// <summary>What the program was sent at first, by the number of the invoice.</summary>
    private Dictionary<string, StockDelivery> _sent = null!;

    /// <summary>
    /// The long queue is classic on the machine's own broker and a quorum queue on the other; the short ones are of both types. The
    /// other way round it runs where it is asked for.
    /// </summary>
    private static IEnumerable<TestFixtureData> Transports =>
        from fixture in TransportUnderTest.OnBrokers
        let transport = (TransportUnderTest)fixture.Arguments[0]!
        select (transport.Broker == BrokerKind.Program) == (transport.QueueType == QueueType.Classic) ? fixture : fixture.Explicit("The other types of queues are enough.");

    [SetUp]
    public async Task StartAsync()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        var broker = TheSystem.BrokerOptions;
        _stock = _cleanup.Add(await StockProgram.StartAsync(
            broker.Host!, (ushort)broker.Port!, broker.VirtualHost, broker.Username!, broker.Password!, isBillingQuorum: transport.QueueType == QueueType.Quorum));
        await FailAsync();
        _stock.Work.Repair();

        var address = $"http://127.0.0.1:{Ports.Free(1)[0]}";
        _http = _cleanup.Add(new HttpClient { BaseAddress = new Uri($"{address}/faults/api/"), DefaultRequestHeaders = { Authorization = Basic.Of("olga") } });
        _console = _cleanup.Add(await TheSystem.StartWorkerProcessAsync(
        [
            .. Basic.Users,
            ("Worker__Role", "Console"),
            ("Alerts__To", null),
            ("ASPNETCORE_URLS", address),
            ("Faults__Rate", "10000"),
            ("Faults__Queues__0__Name", StockProgram.Billing),
            ("Faults__Queues__0__Subject__0", "$.invoice.number"),
            ("Faults__Queues__1__Name", StockProgram.Shipping),
            ("Faults__Queues__1__Subject__0", "$.parcel"),
            ("Faults__Queues__2__Name", StockProgram.StockKeeping),
            ("Faults__Queues__2__Subject__0", "$.item"),
        ]));
        await Eventually.GetAsync(
            "the console answers", async cancellationToken => await _http.GetStringAsync("endpoints", cancellationToken), _ => true, TimeSpan.FromSeconds(30));
        Report("The console is up");
    }

    [TearDown]
    public Task EndAsync() => _cleanup.RunAsync();

    [Test]
    public async Task It_lists_groups_finds_replays_parks_and_discards()
    {
        await LookAsync();
        var faults = await ListAsync();
        await FindAsync();
        await ShowAsync();
        await ReplayAFewAsync(faults);
        await ReplayAGroupAsync();
        await ParkAndDiscardAsync();
        await CompareOrderAsync(faults);

        Assert.That(PeakMemory(), Is.LessThan(MostMemory));
    }

    /// <summary>The first answers come while the first look at the queue is under way.</summary>
    private async Task LookAsync()
    {
        var watch = Stopwatch.StartNew();
        var overview = await ReadAsync("");
        var toOverview = watch.Elapsed;
        watch.Restart();
        var page = await ReadAsync("billing/error?take=50");
        var toPage = watch.Elapsed;
        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)overview[0]!["count"]!, Is.EqualTo(Faults));
            Assert.That(((int)page["count"]!, page["items"]!.AsArray().Count), Is.EqualTo((Faults, 50)));
            Assert.That(toOverview, Is.LessThan(TimeSpan.FromSeconds(3)));
            Assert.That(toPage, Is.LessThan(TimeSpan.FromSeconds(3)));
        }

        overview = await Eventually.GetAsync(
            "the end of the look", _ => ReadAsync(""), queues => queues[0]!["lookedAt"] is not null, TimeSpan.FromMinutes(2));
        Report(FormattableString.Invariant($"The first overview took {toOverview.TotalSeconds:F1} s, the first page {toPage.TotalSeconds:F1} s; all is looked at"));
        Assert.That(
            from queue in overview.AsArray()
            from @group in queue!["groups"]!.AsArray()
            select ((string?)queue["endpoint"], (string?)queue["queue"], (string?)@group["exceptionType"], (string?)@group["frame"], (int)@group["count"]!),
            Is.EquivalentTo(new[]
            {
                (StockProgram.Billing, "error", "System.Collections.Generic.KeyNotFoundException", $"{typeof(StockWork)}.Price", Unpriced + ((Faults - Failed) / 2)),
                (StockProgram.Billing, "error", "System.TimeoutException", $"{typeof(StockWork)}.Book", Failed - Untaxed - Unpriced + ((Faults - Failed) / 2)),
                (StockProgram.Billing, "error", "System.FormatException", $"{typeof(StockWork)}.Tax", Untaxed),
                (StockProgram.Shipping, "error", "System.Net.Http.HttpRequestException", $"{typeof(StockWork)}.Label", Parcels),
                (StockProgram.StockKeeping, "error", "System.ArgumentOutOfRangeException", $"{typeof(StockWork)}.Reorder", Items),
            }));
    }

    /// <returns>The faults in the order of their queue.</returns>
    private async Task<List<(string Id, string Invoice)>> ListAsync()
    {
        var faults = new List<(string Id, string Invoice)>();
        while (faults.Count < Faults)
        {
            var page = (await ReadAsync($"billing/error?skip={faults.Count}&take=500"))["items"]!.AsArray();
            Assert.That(page, Has.Count.EqualTo(500));
            faults.AddRange(page.Select(fault => ((string)fault!["id"]!, (string)fault["subject"]!)));
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(faults.Take(Failed).Select(fault => fault.Invoice), Is.EquivalentTo(Enumerable.Range(0, Failed).Select(Invoice)));
            Assert.That(faults.Skip(Failed).Select(fault => fault.Invoice), Is.EqualTo(Enumerable.Range(Failed, Faults - Failed).Select(Invoice)));
        }

        Report("All pages are listed");
        return faults;
    }

    private async Task FindAsync()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await CountAsync("billing/error?subject=I-77777"), Is.EqualTo(1));
            Assert.That(await CountAsync("billing/error?exceptionType=KeyNotFoundException"), Is.EqualTo(Unpriced + ((Faults - Failed) / 2)));
            Assert.That(await CountAsync("shipping/error?subject=P-77"), Is.EqualTo(1));
            Assert.That(await CountAsync("stock-keeping/error?subject=77"), Is.EqualTo(1));
            // Of an exception in another one, MassTransit keeps the inner one alone.
            Assert.That(await CountAsync("billing/error?exceptionType=InvalidOperationException"), Is.Zero);
        }

        Report("Found by subject and type");
        Assert.That(await CountAsync($"billing/error?text={nameof(StockWork)}.{nameof(StockWork.Tax)}"), Is.EqualTo(Untaxed));
        Report("Found by text");
    }

    /// <summary>To show a message reads a part of its queue. The order stays, whatever type the queue is of.</summary>
    private async Task ShowAsync()
    {
        var parcels = await ListParcelsAsync();
        foreach (var id in parcels.Take(3))
        {
            Assert.That((string?)(await ReadAsync($"shipping/error/{id}"))["fault"]!["id"], Is.EqualTo(id));
        }

        Assert.That(await ListParcelsAsync(), Is.EqualTo(parcels));

        async Task<List<string>> ListParcelsAsync() => [.. (await ReadAsync("shipping/error?take=500"))["items"]!.AsArray().Select(fault => (string)fault!["id"]!)];
    }

    private async Task ReplayAFewAsync(List<(string Id, string Invoice)> faults)
    {
        var few = new[] { faults[0], faults[1], faults[Faults / 2], faults[^1] };
        await ActAsync("billing/error/replay", new { filter = new { ids = few.Select(fault => fault.Id) } }, few.Length);
        await CompareAsync([.. few.Select(fault => fault.Invoice)]);
    }

    private async Task ReplayAGroupAsync()
    {
        var group = (await ReadAsync("billing/error/groups")).AsArray().Single(group => (string?)group!["exceptionType"] == "System.FormatException")!;
        var left = Enumerable.Range(0, Untaxed).Select(Invoice).Except(_stock.Work.Done.Keys).ToList();
        await ActAsync("billing/error/replay", new { filter = new { group = (string)group["id"]! } }, left.Count);
        await CompareAsync(left);
    }

    private async Task ParkAndDiscardAsync()
    {
        await ActAsync("billing/error/park", new { filter = new { exceptionType = "TimeoutException" }, atMost = Parked, reason = "The ledger is being repaired." }, Parked);
        await AccountAsync();
        await ActAsync("billing/parked/discard", new { all = true, atMost = Discarded, reason = "Booked by hand." }, Discarded);
        _discarded = Discarded;
        await AccountAsync();
    }

    /// <summary>What is left is in its old order.</summary>
    private async Task CompareOrderAsync(List<(string Id, string Invoice)> faults)
    {
        var left = await DrainAsync(Errors);
        var parked = await DrainAsync(Parking);
        var waiting = faults.Select(fault => fault.Invoice).Where(invoice => !_stock.Work.Done.ContainsKey(invoice)).ToList();
        var oldest = waiting.Where(IsUnbooked).Take(Parked).ToList();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(left, Is.EqualTo(waiting.Except(oldest)));
            Assert.That(parked, Is.Unique.And.SubsetOf(oldest).And.Exactly(Parked - Discarded).Items);
        }

        Report("All is compared");
    }

    /// <summary>Carries out an operation, of which each step is on record.</summary>
    private async Task ActAsync(string path, object request, int count)
    {
        using var began = await _http.PostAsJsonAsync(path, request);
        var answer = JsonNode.Parse(await began.Content.ReadAsStringAsync())!;
        Assert.That(began.IsSuccessStatusCode, answer.ToJsonString());
        var id = (string?)answer["operation"]!["id"];
        var ended = await Eventually.GetAsync(
            $"the end of {path}", _ => ReadAsync($"operations/{id}"), operation => (string?)operation["state"] != "running", TimeSpan.FromMinutes(5));
        Assert.That(((string?)ended["state"], (int)ended["total"]!, (int)ended["done"]!), Is.EqualTo(("done", count, count)), ended.ToJsonString());
        var took = (DateTimeOffset)ended["endedAt"]! - (DateTimeOffset)ended["startedAt"]!;
        Report(FormattableString.Invariant($"{path} of {count} took {took.TotalSeconds:F1} s"));

        var entries = await Eventually.GetAsync("the end on record", _ => ReadAuditAsync(id), found => found.Count == count + 2, TimeSpan.FromSeconds(20));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(entries.Select(entry => (string?)entry["event"]), Is.EqualTo(["end", .. Enumerable.Repeat(path.Split('/')[^1], count), "begin"]));
            Assert.That(entries.Select(entry => (string?)entry["who"]), Is.All.EqualTo("olga"));
            Assert.That(entries[1..^1].Select(entry => (string?)entry["faultId"]), Is.Unique.And.All.Not.Null);
        }
    }

    private async Task<List<JsonNode>> ReadAuditAsync(string? operation)
    {
        var entries = new List<JsonNode>();
        JsonArray page;
        do
        {
            page = (await ReadAsync($"audit?operation={operation}&take=500&skip={entries.Count}")).AsArray();
            entries.AddRange(page!);
        }
        while (page.Count == 500);
        return entries;
    }

    /// <summary>What the consumers got is, byte for byte, what was sent at first.</summary>
    private async Task CompareAsync(List<string> invoices)
    {
        await Eventually.GetAsync(
            "the work on what was replayed",
            _ => Task.FromResult(invoices.Count(_stock.Work.Done.ContainsKey)),
            done => done == invoices.Count,
            TimeSpan.FromMinutes(1));
        await AccountAsync();
        using (Assert.EnterMultipleScope())
        {
            foreach (var invoice in invoices)
            {
                var (before, after) = (_sent[invoice], _stock.Work.Done[invoice].Single());
                Assert.That(after.Body.AsSpan().SequenceEqual(before.Body), invoice);
                Assert.That(PropertiesOf(after), Is.EqualTo(PropertiesOf(before)), invoice);
            }
        }
    }

    /// <summary>Every message is in one place, and in no other.</summary>
    private async Task AccountAsync() => await Eventually.GetAsync(
        $"{Faults} messages in all",
        async _ => (Errors: await TheSystem.CountAsync(Errors), Parked: await TheSystem.CountAsync(Parking), Done: _stock.Work.Done.Values.Sum(deliveries => deliveries.Count)),
        found => found.Errors + found.Parked + found.Done + _discarded == Faults,
        TimeSpan.FromSeconds(60));

    /// <summary>What a message's sender has set, as text.</summary>
    private static IEnumerable<string> PropertiesOf(StockDelivery delivery)
    {
        var properties = delivery.Properties;
        return properties.Headers!
            // The client's, the broker's, and the one that a replay adds.
            .Where(header => header.Key is not ("x-dotnet-pub-seq-no" or "x-delivery-count" or FaultHeaders.RedeliverCount))
            .Select(header => $"{header.Key}: {(header.Value is byte[] text ? Encoding.UTF8.GetString(text) : header.Value)}")
            .Order(StringComparer.Ordinal)
            .Append($"{properties.ContentType}, {properties.ContentEncoding}, {properties.MessageId}, {properties.CorrelationId}, {properties.Persistent}")
            .Append($"{properties.Type}, {properties.AppId}, {properties.ReplyTo}, {properties.Expiration}, {properties.Priority}, {properties.Timestamp}");
    }

    private async Task FailAsync()
    {
        await using var connection = await TheSystem.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));

        var samples = new List<BasicGetResult>();
        foreach (var sample in new[] { Unbookable("sample"), Unpriceable("sample") })
        {
            await _stock.PublishAsync([sample]);
            await TheSystem.WaitForCountAsync(Errors, 1);
            samples.Add((await channel.BasicGetAsync(Errors, autoAck: true))!);
        }

        await _stock.PublishAsync(Enumerable.Range(0, Failed).Select(number => number switch
        {
            < Untaxed => new IssueInvoice(new Invoice(Invoice(number)), "lamp", "7,5"),
            < Untaxed + Unpriced => Unpriceable(Invoice(number)),
            _ => Unbookable(Invoice(number)),
        }));
        await _stock.PublishAsync(Enumerable.Range(0, Parcels).Select(number => new ShipParcel($"P-{number}", "Swift")));
        await _stock.PublishAsync(Enumerable.Range(0, Items).Select(number => new ItemTaken(number, -1)));
        await TheSystem.WaitForCountAsync(Errors, Failed);
        await TheSystem.WaitForCountAsync(StockProgram.Shipping + FaultEndpoint.ErrorSuffix, Parcels);
        await TheSystem.WaitForCountAsync(StockProgram.StockKeeping + FaultEndpoint.ErrorSuffix, Items);
        _sent = _stock.Work.Failed.ToDictionary();

        foreach (var portion in Enumerable.Range(Failed, Faults - Failed).Chunk(1_000))
        {
            await Task.WhenAll(portion.Select(number => AddLikeAsync(samples[number % samples.Count], Invoice(number), channel).AsTask()));
        }

        await TheSystem.WaitForCountAsync(Errors, Faults);
    }

    private ValueTask AddLikeAsync(BasicGetResult sample, string invoice, IChannel channel)
    {
        var id = Guid.NewGuid().ToString();
        var body = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(sample.Body.Span)
            .Replace("sample", invoice, StringComparison.Ordinal)
            .Replace(sample.BasicProperties.MessageId!, id, StringComparison.Ordinal));
        var properties = new BasicProperties(sample.BasicProperties) { MessageId = id };
        _sent[invoice] = new StockDelivery(body, new BasicProperties(properties)
        {
            Headers = properties.Headers!.Where(header => !header.Key.StartsWith("MT-", StringComparison.Ordinal)).ToDictionary(),
        });
        return channel.BasicPublishAsync("", Errors, mandatory: true, properties, body);
    }

    private static string Invoice(int number) => $"I-{number.ToString(CultureInfo.InvariantCulture)}";

    private static bool IsUnbooked(string invoice)
    {
        var number = int.Parse(invoice.AsSpan(2), CultureInfo.InvariantCulture);
        return number < Failed ? number >= Untaxed + Unpriced : number % 2 == 0;
    }

    private static IssueInvoice Unpriceable(string invoice) => new(new Invoice(invoice), "boat", "7");

    private static IssueInvoice Unbookable(string invoice) => new(new Invoice(invoice), "lamp", "7");

    /// <returns>The invoices that were in a queue of theirs, which is empty then.</returns>
    private async Task<List<string>> DrainAsync(string queue)
    {
        await using var connection = await TheSystem.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        var count = await channel.MessageCountAsync(queue);
        var invoices = new List<string>();
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            invoices.Add((string)JsonNode.Parse(delivery.Body.Span)!["message"]!["invoice"]!["number"]!);
            if (invoices.Count == count)
            {
                all.TrySetResult();
            }

            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync(queue, autoAck: true, consumer);
        await all.Task.WaitAsync(TimeSpan.FromMinutes(1));
        return invoices;
    }

    private async Task<int> CountAsync(string path) => (int)(await ReadAsync(path))["matched"]!;

    private async Task<JsonNode> ReadAsync(string path) => (await _http.GetFromJsonAsync<JsonNode>(new Uri(path, UriKind.Relative)))!;

    private void Report(string what) => TestContext.Out.WriteLine(FormattableString.Invariant(
        $"{what} after {_watch.Elapsed.TotalSeconds:F1} s; peak memory {PeakMemory() / 1024} MiB; load {File.ReadAllText("/proc/loadavg").Split(' ')[0]}"));

    /// <summary>The most memory that the console has had, in KiB.</summary>
    private int PeakMemory() => int.Parse(
        File.ReadLines($"/proc/{_console.ProcessId}/status").Single(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);
}
