namespace Orders.FaultQueues.Queues;

/// <summary>
/// Ends a turn of whoever moves many messages. Only the time spent on moving counts: whoever ends a turn early reads the
/// queue again in the next one. A turn may move for as long as it has read until then, and as a look at the queue takes. Otherwise,
/// with thousands that stay, nearly all the time would go by with reading them and putting them back.
/// </summary>
/// <param name="clock">The clock.</param>
/// <param name="look">How long the last look at the queue took.</param>
internal sealed class FaultTurnTime(TimeProvider clock, TimeSpan look)
{
    private readonly long _began = clock.GetTimestamp();
    private TimeSpan _moving;

    /// <summary>Whether there is time to move more, which there is at first.</summary>
    public bool IsLeft() => _moving <= new[] { FaultTurn.Longest, look, clock.GetElapsedTime(_began) - _moving }.Max();

    /// <summary>Spends time on moving.</summary>
    /// <param name="move">Moves messages.</param>
    public async Task SpendAsync(Func<Task> move)
    {
        var began = clock.GetTimestamp();
        await move();
        _moving += clock.GetElapsedTime(began);
    }
}
