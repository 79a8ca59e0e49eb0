namespace Orders.FaultQueues.Queues;

/// <summary>
/// Ends a turn of whoever moves many messages. The time counts from the first one on, and is at least as long as that one
/// took to be found: behind thousands that stay, every turn would be spent on reading otherwise.
/// </summary>
internal sealed class FaultTurnTime(TimeProvider clock)
{
    private readonly long _began = clock.GetTimestamp();
    private (long Since, TimeSpan Length)? _moving;

    /// <summary>Whether there is time to move more, which there is at the first call.</summary>
    public bool IsLeft()
    {
        if (_moving is not var (since, length))
        {
            var found = clock.GetTimestamp();
            var reading = clock.GetElapsedTime(_began, found);
            (since, length) = (_moving = (found, reading > FaultTurn.Longest ? reading : FaultTurn.Longest)).Value;
        }

        return clock.GetElapsedTime(since) <= length;
    }
}
