using System.Diagnostics;
using System.Globalization;
using Orders.Email.Outages;
using Orders.FaultQueues.Job;

namespace Orders.Tests.EndToEnd;

/// <summary>
/// Ten thousand orders that are placed while the mail server is down, on the broker that is deployed.
/// <c>ORDERS_TEST_OUTAGE</c> says for how long it is down, such as <c>00:10:00</c>.
/// </summary>
[TestFixtureSource(nameof(Deployed))]
[Long]
[Alone]
internal sealed class MailOutageOfThousandsTests(TransportUnderTest transport) : OrderSystemTests
{
    private const int Orders = 10_000;
    private const int Workers = 3;

    private static readonly TimeSpan Length =
        TimeSpan.Parse(Environment.GetEnvironmentVariable("ORDERS_TEST_OUTAGE") ?? "00:00:30", CultureInfo.InvariantCulture);

    // As they are deployed, not cut short.
    private static readonly (string, string?)[] Pauses = [("Email__Outage__FirstPause", "00:00:01"), ("Email__Outage__LongestPause", "00:00:30")];

    public static IEnumerable<TestFixtureData> Deployed =>
        TransportUnderTest.OnQuorumQueues.Where(fixture => ((TransportUnderTest)fixture.Arguments[0]!).Broker != BrokerKind.Program);

    [Test]
    public async Task None_fails_few_attempts_are_made_and_all_are_confirmed_once_within_two_minutes_of_its_return()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.StartWorkerAsync(settings: [.. Pauses, ("Worker__Role", "Faults")]);
        var workers = await Task.WhenAll(Enumerable.Range(0, Workers).Select(_ => TheSystem.StartWorkerProcessAsync([.. Pauses, ("Worker__Role", "Confirmations")])));
        try
        {
            await TheSystem.StartApiAsync();
            // A server that is not there at all would leave nobody to count the attempts.
            TheSystem.Mail.On(SmtpStep.Connect, new SmtpReply("421 4.3.2 Closed for the night", ThenClose: true));

            var down = Stopwatch.StartNew();
            await Parallel.ForAsync(0, Orders, new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (i, _) =>
                await TheSystem.PlaceAsync(i.ToString(CultureInfo.InvariantCulture)));
            await Eventually.GetAsync(
                "the outage has lasted long enough", _ => Task.FromResult(down.Elapsed), elapsed => elapsed >= Length, Length + TimeSpan.FromSeconds(5));

            var attempts = TheSystem.Mail.Sessions.Count;
            var faults = await TheSystem.CountAsync(OrderConfirmationEndpoint.ErrorQueue);
            TheSystem.Mail.AsUsual(SmtpStep.Connect);
            var recovery = Stopwatch.StartNew();
            await Eventually.GetAsync(
                "every confirmation", _ => Task.FromResult(TheSystem.Confirmations.Count), count => count >= Orders, TimeSpan.FromMinutes(2));
            await TestContext.Out.WriteLineAsync(
                $"{Orders} orders in an outage of {down.Elapsed - recovery.Elapsed:mm\\:ss}: {attempts} attempts, all sent {recovery.Elapsed.TotalSeconds:0} s after it.");

            await TheSystem.Mail.WaitFor("both alerts", _ => TheSystem.Alerts.Count >= 2, TimeSpan.FromSeconds(60));
            using (Assert.EnterMultipleScope())
            {
                Assert.That(attempts, Is.LessThan(200));
                Assert.That(faults, Is.Zero);
                Assert.That(TheSystem.Log.Of<RedeliverJob>(200), Is.Empty, "None was in the error queue in between.");
                Assert.That(TheSystem.Log.Of<MailOutageAnnouncer>(2131), Has.Count.LessThanOrEqualTo(1));
                Assert.That(TheSystem.Confirmations.Select(mail => mail.MessageId).Distinct().Count(), Is.EqualTo(Orders));
                Assert.That(TheSystem.Confirmations, Has.Count.EqualTo(Orders), "None is sent twice.");
                Assert.That(TheSystem.Alerts, Has.Count.EqualTo(2));
            }
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
