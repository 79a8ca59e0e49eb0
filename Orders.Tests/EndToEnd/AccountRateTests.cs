using System.Diagnostics;
using System.Globalization;

namespace Orders.Tests.EndToEnd;

/// <summary>Several workers with one account at a provider that takes so many emails a second and no more.</summary>
[TestFixtureSource(nameof(OneBroker))]
[Long]
internal sealed class AccountRateTests(TransportUnderTest transport) : OrderSystemTests
{
    private const int Rate = 140;
    private const int Orders = 2_000;
    private const int Workers = 3;

    // Which one it is makes no difference to the rate.
    private static readonly IEnumerable<TestFixtureData> OneBroker = TransportUnderTest.OnQuorumQueues.Take(1);

    private readonly Cleanup _cleanup = new();
    private readonly RateLimitedAccount _account = new(Rate);
    private ValkeyServer _valkey = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _valkey = _cleanup.Add(await ValkeyServer.StartNewAsync());
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        TheSystem.Mail.On(SmtpStep.Mail, _ => _account.TryTake() ? null : RateLimitedAccount.Refusal);
        // Makes the queues.
        await (await TheSystem.StartWorkerProcessAsync(Settings)).DisposeAsync();
    }

    [TearDown]
    public Task StopValkeyAsync() => _cleanup.RunAsync();

    private (string Name, string? Value)[] Settings =>
    [
        .. _valkey.Settings,
        ("Worker__Role", "Confirmations"),
        ("Email__MaxPerSecond", Rate.ToString(CultureInfo.InvariantCulture)),
        ("Email__Smtp__ConnectTimeout", "00:00:01"),
        ("Email__Smtp__EnvelopeTimeout", "00:00:01"),
        ("Email__Smtp__ContentTimeout", "00:00:01"),
    ];

    [Test]
    public async Task Together_they_keep_to_it_whatever_becomes_of_one_of_them()
    {
        await TheSystem.PublishOrdersAsync(Orders, number => $"customer@shop-{number % 7}.example");
        var workers = await Task.WhenAll(Enumerable.Range(0, Workers).Select(_ => TheSystem.StartWorkerProcessAsync(Settings)));
        Array.ForEach(workers[1..], worker => _cleanup.Add(worker));
        await TheSystem.Mail.WaitForMessages(1, TimeSpan.FromSeconds(60));
        var watch = Stopwatch.StartNew();

        await TheSystem.Mail.WaitForMessages(Orders / 3, TimeSpan.FromSeconds(60));
        await workers[0].DisposeAsync();
        await TheSystem.Mail.WaitFor("an email for each order", _ => TheSystem.ConfirmedOrders.Distinct().Count() == Orders, TimeSpan.FromMinutes(2));

        TestContext.Out.WriteLine($"{watch.Elapsed.TotalSeconds:0.0} s, {_account.Refused} of {_account.Asked} refused");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_account.Refused, Is.LessThanOrEqualTo(Orders / 100));
            Assert.That(watch.Elapsed.TotalSeconds, Is.GreaterThan(((Orders - 1) / (double)Rate) - 1));
            // All of them at the rate and 5 s for the worker that was killed, on a machine that is three times as busy.
            Assert.That(watch.Elapsed.TotalSeconds, Is.LessThan(3 * ((Orders / (double)Rate) + 5)));
        }

        await TheSystem.WaitForCountAsync(OrderConfirmationEndpoint.Queue, 0);
        await TheSystem.WaitForCountAsync(OrderConfirmationEndpoint.ErrorQueue, 0);
    }
}
