using Orders.FaultQueues.Queues;

namespace Orders.Tests.FaultQueues;

/// <summary>How long one who moves many messages keeps the queue.</summary>
public sealed class FaultTurnTimeTests
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);

    private readonly TestClock _clock = new(DateTimeOffset.UnixEpoch);

    [Test]
    public void A_turn_ends_a_second_after_the_first_message()
    {
        var time = new FaultTurnTime(_clock);

        Assert.That(time.IsLeft(), Is.True);
        _clock.Advance(FaultTurn.Longest);
        Assert.That(time.IsLeft(), Is.True);
        _clock.Advance(Moment);
        Assert.That(time.IsLeft(), Is.False);
    }

    [TestCase(0.5, 1)]
    [TestCase(1, 1)]
    [TestCase(30, 30)]
    public void Whoever_had_to_read_for_long_may_move_for_as_long(double reading, double moving)
    {
        var time = new FaultTurnTime(_clock);
        _clock.Advance(TimeSpan.FromSeconds(reading));

        Assert.That(time.IsLeft(), Is.True);
        _clock.Advance(TimeSpan.FromSeconds(moving));
        Assert.That(time.IsLeft(), Is.True);
        _clock.Advance(Moment);
        Assert.That(time.IsLeft(), Is.False);
    }
}
