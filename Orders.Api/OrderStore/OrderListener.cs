namespace Orders.Api.OrderStore;

/// <summary>Hears of the changes of one order until it is disposed of. Changes that come while nobody waits count as one.</summary>
public sealed class OrderListener : IAsyncDisposable
{
    private readonly SemaphoreSlim _changed = new(0, 1);
    private readonly Lock _lock = new();
    private Func<OrderListener, ValueTask>? _stop;

    /// <param name="stop">Is called once, at the end.</param>
    internal OrderListener(Func<OrderListener, ValueTask> stop) => _stop = stop;

    /// <summary>Waits for a change, though not for ever.</summary>
    /// <returns>Whether there was one.</returns>
    public Task<bool> WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) => _changed.WaitAsync(atMost, cancellationToken);

    /// <summary>Tells of a change.</summary>
    internal void Tell()
    {
        lock (_lock)
        {
            if (_changed.CurrentCount == 0)
            {
                _changed.Release();
            }
        }
    }

    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _stop, null)?.Invoke(this) ?? ValueTask.CompletedTask;
}
