using Microsoft.Extensions.Options;
using Notifications.Worker.Email;
using Notifications.Worker.Email.RateLimiting;

namespace Orders.Tests.Email.RateLimiting;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class EmailRateLimiterTests
{
    private readonly TestClock _clock = new(new DateTimeOffset(2026, 11, 25, 12, 0, 0, TimeSpan.Zero));

    [Test]
    public void Without_a_limit_nobody_waits()
    {
        var limiter = Limiter(0);

        Assert.That(Enumerable.Range(0, 1_000).Select(_ => limiter.WaitAsync(CancellationToken.None).AsTask().IsCompletedSuccessfully), Is.All.True);
    }

    [Test]
    public void Turns_are_evenly_spread_and_what_is_due_within_50_ms_may_go_at_once()
    {
        Ask(Limiter(40), 6);

        Assert.That(_clock.DueTimes.Select(wait => wait.TotalMilliseconds), Is.EqualTo([25, 50, 75]).Within(0.1));
    }

    [Test]
    public void A_rest_saves_nothing_up()
    {
        var limiter = Limiter(10);
        Ask(limiter, 1);
        _clock.Advance(TimeSpan.FromHours(1));
        Ask(limiter, 3);

        Assert.That(_clock.DueTimes.Select(wait => wait.TotalMilliseconds), Is.EqualTo([50, 150]).Within(0.1));
    }

    [Test]
    public async Task Who_misses_a_turn_waits_for_another()
    {
        var limiter = Limiter(100);
        Ask(limiter, 6);
        var waiting = limiter.WaitAsync(CancellationToken.None).AsTask();
        _clock.Advance(TimeSpan.FromMilliseconds(200));
        Ask(limiter, 6);

        _clock.Tick();

        await _clock.HasTimer.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.That(waiting.IsCompleted, Is.False);
        _clock.Tick();
        await waiting.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Test]
    public async Task A_refusal_slows_all_down_by_a_fifth_and_within_ten_seconds_they_are_as_fast_as_before()
    {
        var limiter = Limiter(10);
        await limiter.SlowDownAsync();
        await limiter.SlowDownAsync();
        Ask(limiter, 3);
        Assert.That(_clock.DueTimes.Select(wait => wait.TotalMilliseconds), Is.EqualTo([75, 200]).Within(0.1), "Two refusals at once are one.");

        _clock.DueTimes.Clear();
        _clock.Advance(TimeSpan.FromSeconds(10));
        Ask(limiter, 3);
        Assert.That(_clock.DueTimes.Select(wait => wait.TotalMilliseconds), Is.EqualTo([50, 150]).Within(0.1));
    }

    [Test]
    public async Task A_twelfth_of_the_rate_is_left_however_many_refusals_there_are()
    {
        var limiter = Limiter(10);
        for (var i = 0; i < 100; i++)
        {
            await limiter.SlowDownAsync();
            _clock.Advance(TimeSpan.FromSeconds(1.1));
        }

        await limiter.SlowDownAsync();
        Ask(limiter, 2);
        Assert.That(_clock.DueTimes.Single().TotalSeconds, Is.EqualTo(12 / 10.0).Within(0.2));
    }

    private static void Ask(LocalEmailRateLimiter limiter, int times)
    {
        for (var i = 0; i < times; i++)
        {
            _ = limiter.WaitAsync(CancellationToken.None).AsTask();
        }
    }

    private LocalEmailRateLimiter Limiter(double rate) => new(Options.Create(new EmailOptions { MaxPerSecond = rate / Throttling.Share }), _clock);
}
