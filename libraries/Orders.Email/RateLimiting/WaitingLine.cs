namespace Orders.Email.RateLimiting;

/// <summary>
/// Has one email at a time ask for a turn and wait for it, the others behind it in their order. So no more than one turn of a
/// process is lost when those that wait give up.
/// </summary>
internal sealed class WaitingLine(TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim _head = new(1);

    /// <summary>Waits in line, and then for the turn.</summary>
    /// <param name="reserve">Asks for a turn: how long it is until then.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask WaitAsync(Func<ValueTask<TimeSpan>> reserve, CancellationToken cancellationToken)
    {
        await _head.WaitAsync(cancellationToken);
        try
        {
            TimeSpan late;
            do
            {
                // Whoever was in front may have given up at the same time.
                cancellationToken.ThrowIfCancellationRequested();
                var begun = time.GetTimestamp();
                var wait = await reserve();
                if (wait <= TimeSpan.Zero)
                {
                    return;
                }

                await Task.Delay(wait, time, cancellationToken);
                late = time.GetElapsedTime(begun) - wait;
            }
            // Who comes late would come together with those behind.
            while (late > Throttling.Burst);
        }
        finally
        {
            _head.Release();
        }
    }

    public void Dispose() => _head.Dispose();
}
