using Orders.Email;
using Orders.Email.Smtp;

namespace Orders.Tests.Email.Smtp;

public sealed class ConnectionSlotsTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan Longer = ConnectionSlots.Slow + TimeSpan.FromMilliseconds(1);

    private readonly TestClock _clock = new(new DateTimeOffset(2026, 11, 25, 12, 0, 0, TimeSpan.Zero));

    [Test]
    public async Task One_domain_may_use_all_but_one_of_them()
    {
        var slots = new ConnectionSlots(3, _clock);
        var (first, second, third) = (Take(slots, "a"), Take(slots, "a"), Take(slots, "a"));

        Assert.That((first.IsCompleted, second.IsCompleted, third.IsCompleted), Is.EqualTo((true, true, false)));
        Assert.That(Take(slots, "b").IsCompleted);
        Assert.That(slots.Used, Is.EqualTo(3));
        first.Result.Dispose();
        await third.WaitAsync(Timeout);
    }

    [Test]
    public async Task Where_there_is_one_any_domain_may_use_it_one_after_the_other()
    {
        var slots = new ConnectionSlots(1, _clock);
        var (first, second) = (Take(slots, "a"), Take(slots, "b"));

        Assert.That((first.IsCompleted, second.IsCompleted), Is.EqualTo((true, false)));
        first.Result.Dispose();
        first.Result.Dispose();
        await second.WaitAsync(Timeout);
        Assert.That(slots.Used, Is.EqualTo(1));
    }

    [Test]
    public async Task Who_waits_makes_room_for_others_once_the_own_domain_is_slow()
    {
        var slots = new ConnectionSlots(3, _clock);
        await Take(slots, "slow");
        await Take(slots, "slow");
        using var conversation = slots.Begin("slow");
        var waiting = Take(slots, "slow");
        _clock.Tick();
        await _clock.HasTimer.WaitAsync(Timeout);
        Assert.That(waiting.IsCompleted, Is.False, "It is not slow yet.");

        await Take(slots, "b");
        var other = Take(slots, "c");
        _clock.Advance(ConnectionSlots.Slow + TimeSpan.FromMilliseconds(1));
        _clock.Tick();

        Assert.That((await Assert.ThrowsAsync<EmailDeferredException>(() => waiting.WaitAsync(Timeout)))!.MakesRoom);
        Assert.That(other.IsCompleted, Is.False, "Its own domain is not slow.");
    }

    [Test]
    public async Task Time_that_is_not_spent_on_the_mail_server_makes_no_domain_slow()
    {
        var slots = new ConnectionSlots(2, _clock);
        var first = await Take(slots, "a");
        var waiting = Take(slots, "a");

        _clock.Advance(ConnectionSlots.Slow + TimeSpan.FromMilliseconds(1));
        _clock.Tick();
        await _clock.HasTimer.WaitAsync(Timeout);

        Assert.That(waiting.IsCompleted, Is.False, "It waits on.");
        first.Dispose();
        await waiting.WaitAsync(Timeout);
    }

    [Test]
    public async Task Slow_domains_leave_one_to_others_together()
    {
        var slots = new ConnectionSlots(3, _clock);
        Talk(slots, "quick", TimeSpan.Zero);
        Talk(slots, "slow", Longer);
        Talk(slots, "slower", Longer);

        var (first, second, third) = (Take(slots, "slow"), Take(slots, "slower"), Take(slots, "slow"));

        Assert.That((first.IsCompleted, second.IsCompleted, third.IsCompleted), Is.EqualTo((true, true, false)));
        Assert.That(Take(slots, "quick").IsCompleted);
        second.Result.Dispose();
        await third.WaitAsync(Timeout);
    }

    [Test]
    public void Where_the_server_is_slow_for_everybody_none_is_kept_free()
    {
        var slots = new ConnectionSlots(2, _clock);
        Talk(slots, "slow", Longer);
        Talk(slots, "slower", Longer);

        Assert.That((Take(slots, "slow").IsCompleted, Take(slots, "slower").IsCompleted), Is.EqualTo((true, true)));
    }

    [TestCase(true, true, ExpectedResult = true)]
    [TestCase(true, false, ExpectedResult = false, TestName = "An_email_that_is_refused_at_once_shows_nothing")]
    [TestCase(false, false, ExpectedResult = true)]
    public async Task<bool> A_domain_is_slow_until_it_is_quick_again_or_long_enough_ago(bool talksAgain, bool isTaken)
    {
        var slots = new ConnectionSlots(3, _clock);
        Talk(slots, "slow", Longer);
        if (talksAgain)
        {
            Talk(slots, "slow", TimeSpan.Zero, isTaken);
        }
        else
        {
            _clock.Advance(ConnectionSlots.Memory);
        }

        Talk(slots, "quick", TimeSpan.Zero);
        Talk(slots, "slower", Longer);
        await Take(slots, "slower");
        await Take(slots, "slower");

        // All but one are with slow domains.
        return Take(slots, "slow").IsCompleted;
    }

    [Test]
    public async Task Who_waits_has_one_that_is_free_once_its_domain_is_slow_no_longer()
    {
        var slots = new ConnectionSlots(3, _clock);
        Talk(slots, "slow", Longer);
        Talk(slots, "slower", Longer);
        Talk(slots, "quick", TimeSpan.Zero);
        await Take(slots, "slower");
        await Take(slots, "slower");
        var waiting = Take(slots, "slow");

        _clock.Advance(ConnectionSlots.Memory);
        _clock.Tick();

        Assert.That(await waiting.WaitAsync(Timeout), Is.Not.Null);
    }

    [Test]
    public async Task Who_gives_up_waiting_is_passed_over()
    {
        using var cancellation = new CancellationTokenSource();
        var slots = new ConnectionSlots(1, _clock);
        var first = await Take(slots, "a");
        var impatient = slots.TakeAsync("a", cancellation.Token).AsTask();
        var patient = Take(slots, "a");

        await cancellation.CancelAsync();
        await Assert.CatchAsync<OperationCanceledException>(() => impatient);
        first.Dispose();

        Assert.That(await patient.WaitAsync(Timeout), Is.Not.Null);
    }

    [Test]
    public async Task There_may_be_fewer_for_a_while()
    {
        var slots = new ConnectionSlots(4, _clock);
        var taken = new[] { await Take(slots, "a"), await Take(slots, "b"), await Take(slots, "c") };
        slots.Resize(2);
        var waiting = Take(slots, "d");

        taken[0].Dispose();
        Assert.That(waiting.IsCompleted, Is.False);
        taken[1].Dispose();
        Assert.That(await waiting.WaitAsync(Timeout), Is.Not.Null);
        var next = Take(slots, "e");
        slots.Resize(4);
        Assert.That(await next.WaitAsync(Timeout), Is.Not.Null);
    }

    [Test]
    public async Task It_is_drained_when_none_is_in_use()
    {
        var slots = new ConnectionSlots(2, _clock);
        var slot = await Take(slots, "a");

        var drained = slots.DrainAsync();

        Assert.That(drained.IsCompleted, Is.False);
        slot.Dispose();
        await drained.WaitAsync(Timeout);
        Assert.That(new ConnectionSlots(2, _clock).DrainAsync().IsCompleted);
    }

    private void Talk(ConnectionSlots slots, string domain, TimeSpan time, bool isTaken = true)
    {
        using var conversation = slots.Begin(domain);
        _clock.Advance(time);
        conversation.IsTaken = isTaken;
    }

    private static Task<IDisposable> Take(ConnectionSlots slots, string domain) => slots.TakeAsync(domain, CancellationToken.None).AsTask();
}
