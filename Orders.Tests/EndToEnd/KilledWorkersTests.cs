using Orders.Ledger;

namespace Orders.Tests.EndToEnd;

/// <summary>Workers that share a ledger on Valkey, with what can happen to them and to it.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnQuorumQueues))]
[Long]
[Alone]
internal sealed class KilledWorkersTests(TransportUnderTest transport) : OrderSystemTests
{
    private const int Workers = 3;
    private const string Customer = "customer@example.com";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(9);

    /// <summary>A send takes 3 s at most, so that a claim lapses after 13.</summary>
    private static readonly (string Name, string? Value)[] Settings =
    [
        ("Worker__Role", "Confirmations"),
        ("Email__Smtp__ConnectTimeout", "00:00:01"),
        ("Email__Smtp__EnvelopeTimeout", "00:00:00.5"),
        ("Email__Smtp__ContentTimeout", "00:00:00.5"),
        ("DelayedRedelivery__Intervals__0", "00:00:01"),
        ("DelayedRedelivery__Intervals__1", "00:00:01"),
        ("DelayedRedelivery__Intervals__2", "00:00:01"),
        ("Replay__MaxAttempts", "1000"),
    ];

    private readonly Cleanup _cleanup = new();
    private ValkeyServer _valkey = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _valkey = _cleanup.Add(await ValkeyServer.StartNewAsync());
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        // Makes the queues, and parks what is to be parked.
        await (await TheSystem.StartWorkerProcessAsync(Settings)).DisposeAsync();
        await TheSystem.StartWorkerAsync(settings: [.. _valkey.Settings, ("Worker__Role", "Faults")]);
    }

    [TearDown]
    public Task StopValkeyAsync() => _cleanup.RunAsync();

    [TestCase(UnknownOutcome.SendAgain)]
    [TestCase(UnknownOutcome.Park)]
    public async Task Killed_at_random_during_thousands_of_sends_they_double_no_more_than_nobody_can_know_of(UnknownOutcome policy)
    {
        const int Orders = 2_500;
        const int BetweenKills = 200;
        // The same kills at the same emails in every run, as far as the machine allows.
        var random = new Random(7);
        var unknown = 0;
        var kills = 0;
        await TheSystem.PublishOrdersAsync(Orders, _ => Customer);

        var workers = await Task.WhenAll(Enumerable.Range(0, Workers).Select(_ => StartWorkerAsync()));
        try
        {
            for (var next = BetweenKills; next < Orders; next += BetweenKills)
            {
                await TheSystem.Mail.WaitFor($"{next} emails", mail => mail.Messages.Count >= next, Patience);
                var victim = random.Next(Workers);
                await workers[victim].DisposeAsync();
                workers[victim] = await StartWorkerAsync();
                kills++;
            }

            await Eventually.GetAsync(
                "every order is emailed or parked",
                async _ =>
                {
                    var sent = TheSystem.ConfirmedOrders.ToHashSet();
                    return sent.Count == Orders ? Orders : sent.Union(await ParkedAsync()).Count();
                },
                done => done == Orders,
                Patience);
            await TheSystem.WaitForCountAsync(OrderConfirmationEndpoint.Queue, 0, Patience);
        }
        finally
        {
            await Task.WhenAll(workers.Select(worker => worker.DisposeAsync().AsTask()));
        }

        var emails = TheSystem.ConfirmedOrders.ToArray();
        var doubled = emails.Length - emails.Distinct().Count();
        var parked = await ParkedAsync();
        TestContext.Out.WriteLine($"{kills} kills: {emails.Length} emails for {emails.Distinct().Count()} orders, {doubled} doubled, {unknown} unknown, {parked.Count} parked");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(doubled, Is.LessThanOrEqualTo(policy == UnknownOutcome.Park ? 0 : unknown));
            Assert.That(policy == UnknownOutcome.Park || parked.Count == 0, "Nothing is parked where unknown emails are sent again.");
            Assert.That(kills, Is.EqualTo((Orders - 1) / BetweenKills));
        }

        Task<Server> StartWorkerAsync() => TheSystem.StartWorkerProcessAsync(
            line =>
            {
                // LedgerEmailSender says so of each email that it sends without knowing.
                if (line.Contains("it is sent again, and may arrive twice", StringComparison.Ordinal))
                {
                    Interlocked.Increment(ref unknown);
                }
            },
            // A worker that is killed must not keep to itself what it has logged.
            [.. Settings, .. _valkey.Settings, ("Ledger__UnknownOutcome", policy.ToString()), ("Logging__Console__MaxQueueLength", "1")]);
    }

    [Test]
    public async Task The_ledger_is_stopped_in_mid_run_and_started_again_and_nothing_is_lost_or_doubled()
    {
        const int Orders = 1_000;
        await TheSystem.PublishOrdersAsync(Orders, _ => Customer);
        var waits = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var worker = await TheSystem.StartWorkerProcessAsync(
            line =>
            {
                if (line.Contains("The ledger ", StringComparison.Ordinal))
                {
                    waits.TrySetResult();
                }
            },
            [.. Settings, .. _valkey.Settings]);

        await TheSystem.Mail.WaitForMessages(Orders / 4);
        await _valkey.StopAsync();
        await waits.Task.WaitAsync(Patience);
        var sent = TheSystem.Mail.Messages.Count;
        await _valkey.StartAsync();

        await TheSystem.Mail.WaitFor("an email for each order", _ => TheSystem.ConfirmedOrders.Distinct().Count() == Orders, Patience);
        await TheSystem.WaitForCountAsync(OrderConfirmationEndpoint.Queue, 0, Patience);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(sent, Is.LessThan(Orders), "Without the ledger nothing is sent.");
            Assert.That(TheSystem.ConfirmedOrders, Is.Unique);
            Assert.That(await ParkedAsync(), Is.Empty);
        }
    }

    [Test]
    public async Task Where_it_is_to_be_ignored_emails_go_out_while_the_ledger_is_away()
    {
        const int Orders = 200;
        await _valkey.StopAsync();
        await TheSystem.PublishOrdersAsync(Orders, _ => Customer);

        await using var worker = await TheSystem.StartWorkerProcessAsync([.. Settings, .. _valkey.Settings, ("Ledger__WhenUnreachable", "Ignore")]);

        await TheSystem.Mail.WaitFor("an email for each order", _ => TheSystem.ConfirmedOrders.Distinct().Count() == Orders, Patience);
    }

    private async Task<IReadOnlyCollection<string>> ParkedAsync() =>
        [.. (await TheSystem.ReadAsync(OrderConfirmationEndpoint.ParkingQueue)).Select(fault => fault.OrderId!)];
}
