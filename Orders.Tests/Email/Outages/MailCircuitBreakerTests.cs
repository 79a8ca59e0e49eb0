using Microsoft.Extensions.Options;
using Orders.Email;
using Orders.Email.Outages;

namespace Orders.Tests.Email.Outages;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class MailCircuitBreakerTests : IDisposable
{
    private static readonly EmailException NotThere = new MailServerUnavailableException("Connection refused", wasLetIn: false);
    private static readonly EmailException Dropped = new MailServerUnavailableException("The connection was closed", wasLetIn: true);
    private static readonly EmailException Unwanted = new MailServerRefusedUsException("530 Authentication required", wasLetIn: true);
    private static readonly EmailException TooFast = new MailServerPutsUsOffException("450 4.7.1 Too fast");
    private static readonly EmailException Busy = new TransientEmailException("451 Try again later");
    private static readonly EmailException NoSuchUser = new PermanentEmailException("550 No such user");

    private static readonly DateTimeOffset Noon = new(2026, 11, 25, 12, 0, 0, TimeSpan.Zero);

    private readonly TestClock _clock = new(Noon);
    private readonly MailCircuitBreaker _breaker;

    public MailCircuitBreakerTests() => _breaker = new MailCircuitBreaker(Options.Create(new EmailOptions()), _clock);

    public void Dispose() => _breaker.Dispose();

    [Test]
    public void At_first_everybody_passes()
    {
        Pass("a");
        Pass("b");

        Assert.That((_breaker.ClosedSince, _breaker.Outage), Is.EqualTo(((DateTimeOffset?)DateTimeOffset.MinValue, (MailOutage?)null)));
    }

    [Test]
    public void One_email_that_finds_no_server_closes_the_breaker_and_is_held()
    {
        Assert.That(_breaker.Fail(Pass("a"), NotThere), Is.True);

        Assert.That(_breaker.ClosedSince, Is.Null);
        Assert.That(Enter("b").IsCompleted, Is.False);
    }

    [Test]
    public void So_does_one_that_finds_a_server_that_may_not_be_trusted()
    {
        Assert.That(_breaker.Fail(Pass("a"), new MailServerRefusedUsException("The certificate has expired", wasLetIn: false)), Is.True);
    }

    [Test]
    public void That_is_not_an_outage_before_a_probe_has_confirmed_it()
    {
        _breaker.Fail(Pass("a"), NotThere);
        Assert.That(_breaker.Outage, Is.Null);

        _clock.Advance(TimeSpan.FromSeconds(1));
        FailProbe(Enter("a"), NotThere);

        Assert.That(_breaker.Outage, Is.EqualTo(new MailOutage(Noon, "Connection refused")));
    }

    [Test]
    public void A_failure_while_others_get_through_is_the_emails_own()
    {
        var (a, b) = (Pass("a"), Pass("b"));
        _breaker.Succeed(b);

        Assert.That(_breaker.Fail(a, NotThere), Is.False);
        Assert.That(_breaker.ClosedSince, Is.Not.Null);
    }

    [Test]
    public void A_success_from_before_the_attempt_proves_nothing()
    {
        _breaker.Succeed(Pass("a"));

        Assert.That(_breaker.Fail(Pass("b"), NotThere), Is.True);
    }

    [Test]
    public void Nor_does_one_while_the_attempt_had_to_wait()
    {
        var (a, b) = (Pass("a"), Pass("b"));
        _breaker.Succeed(b);

        Assert.That(_breaker.Resume(a), Is.True);
        Assert.That(_breaker.Fail(a, NotThere), Is.True);
    }

    [Test]
    public void An_attempt_that_had_to_wait_does_not_go_on_once_the_circuit_has_opened()
    {
        var (a, b) = (Pass("a"), Pass("b"));
        _breaker.Fail(a, NotThere);

        Assert.That(_breaker.Resume(b), Is.False);
    }

    [Test]
    public void But_a_probe_does()
    {
        _breaker.Fail(Pass("a"), NotThere);
        var entering = Enter("a");
        _clock.Tick();

        var probe = entering.Result;
        Assert.That(_breaker.Resume(probe), Is.True);
        _breaker.Succeed(probe);
        Assert.That(_breaker.ClosedSince, Is.Not.Null);
    }

    [Test]
    public void A_failure_after_the_server_let_us_in_is_the_servers_only_with_the_third_email()
    {
        var held = new[] { ("a", Dropped), ("b", Dropped), ("c", Dropped) }.Select(mail => _breaker.Fail(Pass(mail.Item1), mail.Item2)).ToArray();

        Assert.That(held, Is.EqualTo([false, false, true]));
        Assert.That(_breaker.ClosedSince, Is.Null);
    }

    [Test]
    public void One_email_after_which_the_server_refuses_us_closes_the_breaker()
    {
        _breaker.Succeed(Pass("a"));

        Assert.That(_breaker.Fail(Pass("b"), Unwanted), Is.True);
        Assert.That(_breaker.ClosedSince, Is.Null);
    }

    [Test]
    public void But_not_where_the_next_one_got_through_after_it()
    {
        _breaker.Fail(Pass("a"), Unwanted);
        _clock.Tick();
        _breaker.Succeed(Pass("b"));

        Assert.That(_breaker.Fail(Pass("a"), Unwanted), Is.False);
        Assert.That(_breaker.ClosedSince, Is.Not.Null);
    }

    [Test]
    public void A_server_that_slows_us_down_closes_the_breaker_unless_it_took_an_email_a_moment_ago()
    {
        _breaker.Succeed(Pass("a"));
        Assert.That(_breaker.Fail(Pass("b"), TooFast), Is.False);

        _clock.Advance(TimeSpan.FromSeconds(30));

        Assert.That(_breaker.Fail(Pass("c"), TooFast), Is.True);
        Assert.That(_breaker.ClosedSince, Is.Null);
    }

    [Test]
    public void Nor_does_it_by_an_email_where_the_next_one_got_through()
    {
        _breaker.Fail(Pass("a"), TooFast);
        SucceedProbe("b");
        _clock.Advance(TimeSpan.FromSeconds(30));

        Assert.That(_breaker.Fail(Pass("a"), TooFast), Is.False);
        Assert.That(_breaker.ClosedSince, Is.Not.Null);
    }

    [Test]
    public void While_it_hangs_up_on_emails_those_that_have_not_failed_yet_are_tried_one_after_the_other_without_a_pause()
    {
        CloseByThreeSuspects();
        var waiting = new[] { "d", "e", "f" }.Select(Enter).ToArray();

        _clock.Tick();
        FailAttempt(waiting[0], Dropped);
        FailAttempt(waiting[1], Dropped);

        Assert.That(waiting[2].IsCompleted);
        Assert.That(_breaker.Outage, Is.Null, "It may still be the emails.");
        _breaker.Succeed(waiting[2].Result);
        Assert.That(_breaker.Fail(Pass("a"), Dropped), Is.False, "It was the email.");
    }

    [Test]
    public void They_make_room_for_others_and_one_that_comes_then_is_tried_at_once()
    {
        CloseByThreeSuspects();
        var next = Enter("d");
        _clock.Tick();
        FailAttempt(next, Dropped);
        Assert.That(next.Result.MakesRoom);

        var newcomer = Pass("e");

        Assert.That(_breaker.Fail(newcomer, Dropped));
        Assert.That(newcomer.MakesRoom);
    }

    [Test]
    public void Those_that_have_failed_keep_no_place_from_others_while_they_wait()
    {
        CloseByThreeSuspects();
        var (known, next) = (Enter("a"), Enter("d"));
        _clock.Tick();
        FailAttempt(next, Dropped);

        AssertMakesRoom(known);
        AssertMakesRoom(Enter("d"));
        _clock.Tick();
        Assert.That(Enter("b").IsCompletedSuccessfully, "The pause is over, so the first to come is the probe.");
        AssertMakesRoom(Enter("a"));
        Assert.That(Enter("e").IsCompleted, Is.False, "It has not failed, and waits for the probe.");
    }

    [Test]
    public void After_a_hundred_such_tries_the_others_wait()
    {
        CloseByThreeSuspects();
        var waiting = Enumerable.Range(0, 102).Select(i => Enter($"email {i}")).ToArray();

        _clock.Tick();
        for (var i = 0; i < 100; i++)
        {
            FailAttempt(waiting[i], Dropped);
        }

        Assert.That(waiting[99].Result.MakesRoom, Is.False);
        Assert.That(waiting[100].IsCompleted, Is.False);
    }

    [Test]
    public void It_is_an_outage_when_a_probe_fails_three_seconds_after_the_circuit_opened()
    {
        CloseByThreeSuspects();
        var waiting = new[] { "d", "e" }.Select(Enter).ToArray();
        _clock.Tick();
        FailAttempt(waiting[0], Dropped);
        Assert.That(_breaker.Outage, Is.Null);

        _clock.Advance(TimeSpan.FromSeconds(3));
        FailAttempt(waiting[1], Dropped);

        Assert.That(_breaker.Outage, Is.Not.Null);
    }

    [Test]
    public void The_same_email_again_and_again_is_one_suspect()
    {
        for (var i = 0; i < 10; i++)
        {
            Assert.That(_breaker.Fail(Pass("poison"), Dropped), Is.False);
        }
    }

    [Test]
    public void A_success_clears_the_suspects()
    {
        _breaker.Fail(Pass("a"), Dropped);
        _breaker.Fail(Pass("b"), Dropped);
        _breaker.Succeed(Pass("c"));

        Assert.That(_breaker.Fail(Pass("d"), Dropped), Is.False);
        Assert.That(_breaker.Fail(Pass("e"), Dropped), Is.False);
        Assert.That(_breaker.Fail(Pass("f"), Dropped), Is.True);
    }

    [Test]
    public void An_email_that_failed_where_another_got_through_is_no_suspect_again_until_it_gets_through_itself()
    {
        string[] poison = ["a", "b", "c"];
        CloseByThreeSuspects();
        _clock.Tick();
        _breaker.Succeed(Pass("other"));

        Assert.That(poison.Select(mail => _breaker.Fail(Pass(mail), Dropped)), Is.All.False, "Three that the server cannot stomach stop nobody twice.");

        foreach (var mail in poison)
        {
            _breaker.Succeed(Pass(mail));
        }

        Assert.That(poison.Select(mail => _breaker.Fail(Pass(mail), Dropped)), Is.EqualTo([false, false, true]));
    }

    [Test]
    public void Failures_of_an_emails_own_never_close_the_breaker()
    {
        foreach (var failure in new[] { Busy, NoSuchUser })
        {
            for (var i = 0; i < 10; i++)
            {
                Assert.That(_breaker.Fail(Pass($"{i}"), failure), Is.False);
            }
        }
    }

    [Test]
    public void What_fails_in_the_same_way_while_the_breaker_is_closed_is_held_as_well()
    {
        var (a, b, c, d) = (Pass("a"), Pass("b"), Pass("c"), Pass("d"));
        _breaker.Fail(a, NotThere);

        Assert.That(_breaker.Fail(b, NotThere), Is.True);
        Assert.That(_breaker.Fail(c, Dropped), Is.True);
        Assert.That(_breaker.Fail(d, NoSuchUser), Is.False);
        Assert.That(_breaker.ClosedSince, Is.Null);
    }

    [Test]
    public void After_a_pause_the_one_that_waits_longest_is_let_through_alone()
    {
        _breaker.Fail(Pass("a"), NotThere);
        var (first, second) = (Enter("first"), Enter("second"));

        _clock.Tick();

        Assert.That((first.IsCompleted, second.IsCompleted), Is.EqualTo((true, false)));
        _clock.Tick();
        Assert.That(second.IsCompleted, Is.False, "There is a probe on its way.");
    }

    [Test]
    public void Where_nobody_waits_the_first_to_come_is_the_probe()
    {
        _breaker.Fail(Pass("a"), NotThere);
        _clock.Tick();

        Assert.That(Enter("first").IsCompleted, Is.True);
        Assert.That(Enter("second").IsCompleted, Is.False);
    }

    [Test]
    public void Pauses_grow_up_to_the_longest()
    {
        _breaker.Fail(Pass("a"), NotThere);
        for (var i = 0; i < 7; i++)
        {
            FailProbe(Enter("a"), NotThere);
        }

        Assert.That(_clock.DueTimes.Select(pause => pause.TotalSeconds), Is.EqualTo([1, 2, 4, 8, 16, 30, 30, 30]));
    }

    [Test]
    public void Pauses_go_on_growing_on_a_server_that_comes_and_goes()
    {
        _breaker.Fail(Pass("a"), NotThere);
        SucceedProbe("a");
        _clock.Advance(TimeSpan.FromSeconds(30));
        _breaker.Fail(Pass("a"), NotThere);
        SucceedProbe("a");
        _clock.Advance(TimeSpan.FromSeconds(31));
        _breaker.Fail(Pass("a"), NotThere);

        Assert.That(_clock.DueTimes.Select(pause => pause.TotalSeconds), Is.EqualTo([1, 2, 1]));
    }

    [Test]
    public void A_probe_that_gets_through_opens_the_breaker_for_all()
    {
        _breaker.Fail(Pass("a"), NotThere);
        FailProbe(Enter("a"), NotThere);
        var waiting = new[] { Enter("a"), Enter("b"), Enter("c") };
        _clock.Tick();
        _clock.Advance(TimeSpan.FromSeconds(7));

        _breaker.Succeed(waiting[0].Result);

        Assert.That(waiting.Select(waiter => waiter.IsCompleted), Is.All.True);
        Assert.That((_breaker.ClosedSince, _breaker.Outage), Is.EqualTo(((DateTimeOffset?)Noon.AddSeconds(7), (MailOutage?)null)));
    }

    [Test]
    public void An_email_on_its_way_from_before_that_gets_through_opens_it_too()
    {
        var (slow, quick) = (Pass("slow"), Pass("quick"));
        _breaker.Fail(quick, NotThere);
        var waiting = Enter("quick");

        _breaker.Succeed(slow);

        Assert.That(waiting.IsCompleted);
    }

    [TestCase(false)]
    [TestCase(true)]
    public void A_probe_that_is_refused_for_reasons_of_its_own_opens_the_breaker_and_goes_its_way(bool permanent)
    {
        _breaker.Fail(Pass("a"), NotThere);
        var (probe, waiting) = (Enter("a"), Enter("b"));
        _clock.Tick();

        Assert.That(_breaker.Fail(probe.Result, permanent ? NoSuchUser : Busy), Is.False);
        Assert.That(waiting.IsCompleted);
    }

    [Test]
    public void A_probe_that_the_server_lets_in_and_drops_may_be_the_cause_itself_so_the_breaker_opens()
    {
        _breaker.Fail(Pass("a"), NotThere);
        var (probe, waiting) = (Enter("poison"), Enter("b"));
        _clock.Tick();

        Assert.That(_breaker.Fail(probe.Result, Dropped), Is.False);
        Assert.That(waiting.IsCompleted);
        Assert.That(_breaker.Fail(waiting.Result, Dropped), Is.False);
        Assert.That(_breaker.Fail(Pass("c"), Dropped), Is.True, "It is the third one.");
    }

    [Test]
    public void Where_there_are_enough_suspects_the_probe_is_an_email_that_has_not_failed_and_after_it_those_that_have()
    {
        CloseByThreeSuspects();
        var (known, untried) = (Enter("c"), Enter("d"));

        _clock.Tick();
        Assert.That((known.IsCompleted, untried.IsCompleted), Is.EqualTo((false, true)));
        FailAttempt(untried, NotThere);
        _clock.Tick();

        Assert.That(known.IsCompleted);
    }

    [Test]
    public void A_probe_that_is_cancelled_makes_room_for_the_next()
    {
        _breaker.Fail(Pass("a"), NotThere);
        var (probe, next) = (Enter("a"), Enter("b"));
        _clock.Tick();

        _breaker.Abandon(probe.Result);

        Assert.That(next.IsCompleted);
        _breaker.Abandon(next.Result);
        Assert.That(Enter("c").IsCompleted, "Nobody waited, so the first to come is the probe.");
    }

    [Test]
    public void Who_gives_up_waiting_is_passed_over()
    {
        using var patience = new CancellationTokenSource();
        _breaker.Fail(Pass("a"), NotThere);
        var (impatient, patient) = (_breaker.EnterAsync("a", patience.Token), Enter("b"));

        patience.Cancel();
        _clock.Tick();

        Assert.That(impatient.IsCanceled);
        Assert.That(patient.IsCompleted);
    }

    [Test]
    public void An_open_breaker_lets_through_whoever_has_no_time_to_wait() =>
        Assert.That(_breaker.EnterAsync("a", new CancellationToken(canceled: true)).IsCompletedSuccessfully);

    [Test]
    public void A_probe_that_comes_back_after_the_breaker_was_opened_and_closed_again_is_not_the_new_outages_probe()
    {
        var slow = Pass("slow");
        _breaker.Fail(Pass("a"), NotThere);
        var probe = Enter("a");
        _clock.Tick();
        _breaker.Succeed(slow);
        _breaker.Fail(Pass("b"), NotThere);

        Assert.That(_breaker.Fail(probe.Result, NotThere), Is.True);
        Assert.That(_breaker.Outage, Is.Null);
    }

    [Test]
    public async Task Every_change_is_told()
    {
        var opened = _breaker.Changed;
        _breaker.Fail(Pass("a"), NotThere);
        await opened.WaitAsync(TimeSpan.FromSeconds(5));

        var confirmation = _breaker.Changed;
        FailProbe(Enter("a"), NotThere);
        await confirmation.WaitAsync(TimeSpan.FromSeconds(5));

        var closed = _breaker.Changed;
        SucceedProbe("a");
        await closed.WaitAsync(TimeSpan.FromSeconds(5));
    }

    /// <summary>Enters where nothing may be in the way.</summary>
    private MailAttempt Pass(string mail)
    {
        var entering = Enter(mail);
        Assert.That(entering.IsCompleted, "The circuit is open.");
        return entering.Result;
    }

    private Task<MailAttempt> Enter(string mail) => _breaker.EnterAsync(mail, CancellationToken.None);

    private static void AssertMakesRoom(Task<MailAttempt> entering) =>
        Assert.That(entering.Exception?.InnerException, Is.TypeOf<EmailDeferredException>().With.Property(nameof(EmailDeferredException.MakesRoom)).True);

    private void CloseByThreeSuspects()
    {
        foreach (var mail in new[] { "a", "b", "c" })
        {
            _breaker.Fail(Pass(mail), Dropped);
        }
    }

    private void FailProbe(Task<MailAttempt> waiting, EmailException failure)
    {
        _clock.Tick();
        FailAttempt(waiting, failure);
    }

    private void FailAttempt(Task<MailAttempt> waiting, EmailException failure)
    {
        Assert.That(waiting.IsCompleted, "It was not made a probe.");
        Assert.That(_breaker.Fail(waiting.Result, failure), Is.True);
    }

    private void SucceedProbe(string mail)
    {
        var probe = Enter(mail);
        _clock.Tick();
        _breaker.Succeed(probe.Result);
    }
}
