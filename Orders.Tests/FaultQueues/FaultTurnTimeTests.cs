using Orders.FaultQueues.Queues;

namespace Orders.Tests.FaultQueues;

/// <summary>How long one who moves many messages keeps the queue.</summary>
public sealed class FaultTurnTimeTests
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);

    private readonly TestClock _clock = new(DateTimeOffset.UnixEpoch);

    [Test]
    public async Task A_turn_ends_after_a_second_of_moving()
    {
        var time = new FaultTurnTime(_clock, look: TimeSpan.Zero);

        await ExpectAsync(time, FaultTurn.Longest);
    }

    [TestCase(0.5, 1)]
    [TestCase(1, 1)]
    [TestCase(30, 30)]
    public async Task Whoever_had_to_read_for_long_may_move_for_as_long(double reading, double moving)
    {
        var time = new FaultTurnTime(_clock, look: TimeSpan.Zero);
        _clock.Advance(TimeSpan.FromSeconds(reading));

        await ExpectAsync(time, TimeSpan.FromSeconds(moving));
    }

    [Test]
    public async Task Where_a_look_takes_long_a_turn_does_too()
    {
        var look = TimeSpan.FromSeconds(8);

        await ExpectAsync(new FaultTurnTime(_clock, look), look);
    }

    private async Task ExpectAsync(FaultTurnTime time, TimeSpan moving)
    {
        Assert.That(time.IsLeft(), Is.True);
        await SpendAsync(moving);
        Assert.That(time.IsLeft(), Is.True);
        await SpendAsync(Moment);
        Assert.That(time.IsLeft(), Is.False);

        Task SpendAsync(TimeSpan span) => time.SpendAsync(() =>
        {
            _clock.Advance(span);
            return Task.CompletedTask;
        });
    }
}
