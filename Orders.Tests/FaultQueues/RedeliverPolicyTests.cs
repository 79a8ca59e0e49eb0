using Microsoft.Extensions.Options;
using Orders.FaultQueues;
using Orders.FaultQueues.Policy;

namespace Orders.Tests.FaultQueues;

public sealed class RedeliverPolicyTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    // With waits of 10 s and 60 s, and at most 4 replays.
    [TestCase(0, 0, ExpectedResult = "wait 10", TestName = "A_new_fault_waits_for_its_first_replay")]
    [TestCase(0, 9, ExpectedResult = "wait 1", TestName = "A_fault_waits_until_it_is_old_enough")]
    [TestCase(0, 10, ExpectedResult = "replay 1", TestName = "A_fault_is_replayed_when_it_is_old_enough")]
    [TestCase(0, 86_400, ExpectedResult = "replay 1", TestName = "An_old_fault_is_replayed_once")]
    [TestCase(1, 10, ExpectedResult = "wait 50", TestName = "The_second_replay_waits_for_longer")]
    [TestCase(1, 60, ExpectedResult = "replay 2", TestName = "The_second_replay_is_counted")]
    [TestCase(2, 59, ExpectedResult = "wait 1", TestName = "The_last_wait_holds_for_all_that_follow")]
    [TestCase(3, 60, ExpectedResult = "replay 4", TestName = "The_last_replay_is_made")]
    [TestCase(4, 0, ExpectedResult = "park Replayed 4 times in vain: 451 no", TestName = "A_fault_that_was_replayed_often_enough_is_parked_at_once")]
    [TestCase(int.MaxValue, 0, ExpectedResult = "park Replayed 2147483647 times in vain: 451 no", TestName = "A_fault_that_says_it_was_replayed_for_ever_is_parked")]
    [TestCase(0, -5, ExpectedResult = "wait 10", TestName = "A_fault_from_a_clock_that_is_ahead_does_not_wait_for_it")]
    [TestCase(0, null, ExpectedResult = "wait 10", TestName = "A_fault_of_unknown_age_waits_from_now_on")]
    public string Transient(int replayed, int? age) => Judge(Fault(replayed, age));

    [TestCase("Permanent", ExpectedResult = "park Permanent: 451 no")]
    [TestCase("Unreadable", ExpectedResult = "park Unreadable: 451 no")]
    [TestCase("Conflict", ExpectedResult = "park Conflict: 451 no")]
    public string A_hopeless_fault_is_parked_at_once(string kind) => Judge(Fault(0, 0, kind));

    [Test]
    public void A_fault_that_says_nothing_about_itself_waits_for_its_first_replay() =>
        Assert.That(Judge(new FaultMessage(default, null, new Dictionary<string, object?>())), Is.EqualTo("wait 10"));

    [Test]
    public void Without_replays_every_fault_is_parked_at_once() =>
        Assert.That(Judge(Fault(0, 0), new ReplayOptions { MaxAttempts = 0 }), Is.EqualTo("park Replayed 0 times in vain: 451 no"));

    [TestCase(0, "wait 10")]
    [TestCase(1, "wait 60")]
    [TestCase(2, "wait 600")]
    [TestCase(3, "wait 3600")]
    [TestCase(4, "wait 21600")]
    public void By_default_the_waits_outlast_an_afternoon(int replayed, string verdict) =>
        Assert.That(Judge(Fault(replayed, 0), new ReplayOptions()), Is.EqualTo(verdict));

    private static string Judge(FaultMessage fault, ReplayOptions? options = null)
    {
        options ??= new ReplayOptions { MaxAttempts = 4, Backoff = { TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(60) } };
        return new RedeliverPolicy(Options.Create(options), new TestClock(Now)).Judge(ConfirmationFaults.Endpoint, fault) switch
        {
            Verdict.Wait(var due) => $"wait {(due - Now).TotalSeconds}",
            Verdict.Replay(var count) => $"replay {count}",
            Verdict.Park(var reason) => $"park {reason}",
            var other => $"{other}",
        };
    }

    private static FaultMessage Fault(int replayed, int? age, string kind = "Transient") => new(default, null, new Dictionary<string, object?>
    {
        ["x-redeliver-count"] = replayed,
        ["x-failure-kind"] = kind,
        ["MT-Fault-Message"] = "451 no",
        ["MT-Fault-Timestamp"] = age is { } seconds ? Now.AddSeconds(-seconds).ToString("O") : null,
    });
}
