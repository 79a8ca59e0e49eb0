namespace Notifications.Worker.Faults.Queues;

/// <summary>
/// Ends a turn of whoever moves many messages. The time counts from the first one on: to find it behind thousands that stay
/// may take longer than <see cref="FaultTurn.Longest"/>, in every turn.
/// </summary>
internal sealed class FaultTurnTime(TimeProvider clock)
{
    private long? _since;

    /// <summary>Whether there is time to move more, which there is at the first call.</summary>
    public bool IsLeft()
    {
        _since ??= clock.GetTimestamp();
        return clock.GetElapsedTime(_since.Value) <= FaultTurn.Longest;
    }
}
