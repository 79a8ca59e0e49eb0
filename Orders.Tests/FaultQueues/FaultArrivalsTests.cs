using System.Globalization;
using Orders.FaultQueues;
using Orders.FaultQueues.Policy;
using Orders.Messaging.Failures;

namespace Orders.Tests.FaultQueues;

/// <summary>Replays come in time by the job's clock, whatever the clock of the worker says where a message failed.</summary>
public sealed class FaultArrivalsTests
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan[] Waits = [TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10)];

    private readonly TestClock _clock = new(new DateTimeOffset(2026, 11, 21, 12, 0, 0, TimeSpan.Zero));

    private DateTimeOffset Now => _clock.GetUtcNow();

    [TestCase(0)]
    [TestCase(20)]
    [TestCase(600)]
    [TestCase(-20)]
    [TestCase(-600)]
    public async Task Each_replay_comes_after_its_back_off_and_at_most_two_periods_later(int secondsAhead)
    {
        await using var job = new RedeliverJobUnderTest(new ReplayOptions { Period = Period, MaxAttempts = Waits.Length, Backoff = { Waits[0], Waits[1], Waits[2] } });
        await job.StartAsync();
        await job.PassAsync();
        var waited = new List<TimeSpan>();
        for (var replays = 0; replays < Waits.Length; replays++)
        {
            // Between two looks.
            job.Clock.Advance(TimeSpan.FromSeconds(3));
            var failedAt = job.Clock.GetUtcNow();
            job.Transport.Add(Fault(failedAt.AddSeconds(secondsAhead), replays));
            job.Clock.Advance(Period - TimeSpan.FromSeconds(3));
            await job.PassAsync();
            while (job.Transport.Sent.Count <= replays)
            {
                job.Clock.Advance(Period);
                await job.PassAsync();
            }

            waited.Add(job.Clock.GetUtcNow() - failedAt);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(job.Transport.Sent.Select(sent => sent.Queue), Is.All.EqualTo("order-confirmation"));
            foreach (var (actual, wait) in waited.Zip(Waits))
            {
                Assert.That(actual, Is.InRange(wait, wait + (2 * Period)));
            }
        }
    }

    [Test]
    public async Task What_somebody_held_for_a_while_has_not_arrived_anew()
    {
        await using var job = new RedeliverJobUnderTest(new ReplayOptions { Period = Period, Backoff = { Waits[1] } });
        await job.StartAsync();
        await job.PassAsync();
        var fault = Fault(job.Clock.GetUtcNow());
        job.Transport.Add(fault);
        job.Clock.Advance(Period);
        await job.PassAsync();

        job.Transport.Remove([fault]);
        job.Clock.Advance(Period);
        await job.PassAsync();
        job.Transport.Add(fault);
        job.Clock.Advance(Waits[1] - Period);
        await job.PassAsync();

        Assert.That(job.Transport.Sent, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task One_that_comes_while_others_go_is_seen_at_the_next_look()
    {
        await using var job = new RedeliverJobUnderTest(new ReplayOptions { Period = Period, Backoff = { Waits[0], Waits[1] } });
        await job.StartAsync();
        await job.PassAsync();
        var waiting = Enumerable.Range(0, 10).Select(_ => Fault(job.Clock.GetUtcNow(), replays: 1)).ToArray();
        job.Transport.Add(waiting);
        await job.PassAsync();

        job.Transport.Remove(waiting[..5]);
        job.Transport.Add(Fault(job.Clock.GetUtcNow(), replays: 0));
        job.Clock.Advance(Period);
        await job.PassAsync();
        job.Clock.Advance(Period);
        await job.PassAsync();

        Assert.That(job.Transport.Sent.Select(sent => sent.Message.RedeliverCount), Is.EqualTo([1]));
    }

    [TestCase(-3_600, -3_600, TestName = "After_a_restart_a_fault_goes_on_waiting")]
    [TestCase(600, 0, TestName = "After_a_restart_a_fault_from_a_clock_that_is_ahead_arrives_now")]
    [TestCase(null, 0, TestName = "A_fault_that_says_nothing_of_its_time_arrives_now")]
    public void First(int? failed, int arrived) =>
        Assert.That(new FaultArrivals(_clock).Of(Fault(failed is { } seconds ? Now.AddSeconds(seconds) : null)), Is.EqualTo(Now.AddSeconds(arrived)));

    [Test]
    public void A_fault_arrived_when_it_was_seen_first()
    {
        var arrivals = new FaultArrivals(_clock);
        arrivals.EndLook(sawAll: true);
        var fault = Fault(Now.AddHours(-1));
        var first = Now;

        for (var look = 0; look < 3; look++)
        {
            Assert.That(arrivals.Of(fault), Is.EqualTo(first));
            arrivals.EndLook(sawAll: true);
            _clock.Advance(Period);
        }
    }

    [Test]
    public void A_fault_that_is_gone_is_forgotten_with_the_next_whole_look()
    {
        var arrivals = new FaultArrivals(_clock);
        arrivals.EndLook(sawAll: true);
        arrivals.Of(Fault(Now));
        arrivals.EndLook(sawAll: true);

        arrivals.EndLook(sawAll: true);

        Assert.That(arrivals.Count, Is.Zero);
    }

    [Test]
    public void A_count_of_0_begins_no_wait_anew_as_somebody_may_hold_what_there_is()
    {
        var arrivals = new FaultArrivals(_clock);
        arrivals.EndLook(sawAll: true);
        var fault = Fault(Now);
        var first = arrivals.Of(fault);
        arrivals.EndLook(sawAll: true);

        for (var look = 0; look < 3; look++)
        {
            _clock.Advance(Period);
            arrivals.EndLook(sawAll: false);
        }

        Assert.That(arrivals.Of(fault), Is.EqualTo(first));
    }

    [Test]
    public void Faults_beyond_what_can_be_remembered_go_by_their_own_time()
    {
        var arrivals = new FaultArrivals(_clock, most: 2);
        arrivals.EndLook(sawAll: true);

        var arrived = Enumerable.Range(1, 3).Select(minutes => arrivals.Of(Fault(Now.AddMinutes(-minutes)))).ToArray();

        Assert.That(arrived, Is.EqualTo([Now, Now, Now.AddMinutes(-3)]));
        Assert.That(arrivals.Count, Is.EqualTo(2));
    }

    private static FaultMessage Fault(DateTimeOffset? failedAt, int replays = 0) => new(
        default,
        null,
        new Dictionary<string, object?>
        {
            [FaultHeaders.RedeliverCount] = replays,
            [FaultHeaders.FailureKind] = nameof(FailureKind.Transient),
            ["MT-Fault-Timestamp"] = failedAt?.ToString("O", CultureInfo.InvariantCulture),
        },
        Guid.NewGuid().ToString());
}
