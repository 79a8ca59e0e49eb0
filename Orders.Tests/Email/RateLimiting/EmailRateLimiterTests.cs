using Microsoft.Extensions.Options;
using Orders.Email;
using Orders.Email.RateLimiting;

namespace Orders.Tests.Email.RateLimiting;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class EmailRateLimiterTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(20);

    private readonly List<LocalEmailRateLimiter> _limiters = [];
    private readonly TestClock _clock = new(new DateTimeOffset(2026, 11, 25, 12, 0, 0, TimeSpan.Zero));

    [TearDown]
    public void DisposeLimiters() => _limiters.ForEach(limiter => limiter.Dispose());

    [Test]
    public void Without_a_limit_nobody_waits()
    {
        var limiter = Limiter(0);

        Assert.That(Enumerable.Range(0, 1_000).Select(_ => limiter.WaitAsync(CancellationToken.None).AsTask().IsCompletedSuccessfully), Is.All.True);
    }

    [Test]
    public async Task Turns_are_evenly_spread_and_what_is_due_within_20_ms_may_go_at_once()
    {
        Assert.That(await AskAsync(Limiter(100), 6), Is.EqualTo([0, 0, 0, 10, 10, 10]).Within(0.1));
    }

    [Test]
    public async Task A_rest_saves_nothing_up()
    {
        var limiter = Limiter(10);
        await AskAsync(limiter, 1);
        _clock.Advance(TimeSpan.FromHours(1));

        Assert.That(await AskAsync(limiter, 3), Is.EqualTo([0, 80, 100]).Within(0.1));
    }

    [Test]
    public async Task Who_misses_a_turn_waits_for_another()
    {
        var limiter = Limiter(100);
        await AskAsync(limiter, 6);
        var waiting = limiter.WaitAsync(CancellationToken.None).AsTask();

        // Six turns are over by now, and two more emails may go at once.
        _clock.Advance(TimeSpan.FromMilliseconds(70));
        _clock.Tick();

        await waiting.WaitAsync(Timeout);
        Assert.That(await AskAsync(limiter, 6), Is.EqualTo([0, 0, 10, 10, 10, 10]).Within(0.1));
    }

    [Test]
    public async Task Of_those_that_give_up_waiting_one_turn_is_lost_at_most()
    {
        var limiter = Limiter(10);
        await AskAsync(limiter, 1);
        using var patience = new CancellationTokenSource();
        var waiting = Enumerable.Range(0, 20).Select(_ => limiter.WaitAsync(patience.Token).AsTask()).ToArray();

        await patience.CancelAsync();
        foreach (var each in waiting)
        {
            await Assert.CatchAsync<OperationCanceledException>(() => each);
        }

        Assert.That((await AskAsync(limiter, 1)).Single(), Is.LessThanOrEqualTo(200));
    }

    [Test]
    public async Task A_refusal_slows_all_down_by_a_fifth_and_within_ten_seconds_they_are_as_fast_as_before()
    {
        var limiter = Limiter(10);
        await limiter.SlowDownAsync();
        await limiter.SlowDownAsync();
        Assert.That(await AskAsync(limiter, 3), Is.EqualTo([0, 105, 125]).Within(0.5), "Two refusals at once are one.");

        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.That(await AskAsync(limiter, 3), Is.EqualTo([0, 80, 100]).Within(0.1));
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
        Assert.That((await AskAsync(limiter, 2))[^1], Is.EqualTo(1_200).Within(200));
    }

    /// <summary>Asks for one turn after the other.</summary>
    /// <returns>How long each had to wait, in milliseconds.</returns>
    private async Task<IReadOnlyList<double>> AskAsync(LocalEmailRateLimiter limiter, int times)
    {
        var waits = new List<double>();
        for (var i = 0; i < times; i++)
        {
            _clock.DueTimes.Clear();
            var waiting = limiter.WaitAsync(CancellationToken.None).AsTask();
            var wait = _clock.DueTimes.SingleOrDefault();
            _clock.Advance(wait);
            _clock.Tick();
            await waiting.WaitAsync(Timeout);
            waits.Add(wait.TotalMilliseconds);
        }

        return waits;
    }

    private LocalEmailRateLimiter Limiter(double rate)
    {
        var limiter = new LocalEmailRateLimiter(Options.Create(new EmailOptions { MaxPerSecond = rate / Throttling.Share }), _clock);
        _limiters.Add(limiter);
        return limiter;
    }
}
