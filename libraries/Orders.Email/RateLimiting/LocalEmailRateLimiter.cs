using Microsoft.Extensions.Options;

namespace Orders.Email.RateLimiting;

/// <summary>Limits the emails of this process alone: each has its turn some time after the one before.</summary>
internal sealed class LocalEmailRateLimiter(IOptions<EmailOptions> options, TimeProvider time) : IEmailRateLimiter, IDisposable
{
    private readonly Lock _lock = new();
    private readonly WaitingLine _line = new(time);
    private readonly double _rate = options.Value.MaxPerSecond * Throttling.Share;
    private readonly long _begun = time.GetTimestamp();
    private TimeSpan _next = TimeSpan.MinValue;
    private double _share = 1;
    private TimeSpan _changed;

    private TimeSpan Now => time.GetElapsedTime(_begun);

    public ValueTask WaitAsync(CancellationToken cancellationToken) => _rate == 0 ? ValueTask.CompletedTask : _line.WaitAsync(() => ValueTask.FromResult(Reserve()), cancellationToken);

    public Task SlowDownAsync()
    {
        lock (_lock)
        {
            var now = Now;
            if (_share == 1 || now - _changed > Throttling.Pause)
            {
                _share = ShareAt(now) * Throttling.Decrease;
                _changed = now;
            }
        }

        return Task.CompletedTask;
    }

    public void Dispose() => _line.Dispose();

    /// <summary>Takes the next turn.</summary>
    /// <returns>How long it is until then.</returns>
    internal TimeSpan Reserve()
    {
        lock (_lock)
        {
            var now = Now;
            var turn = _next < now - Throttling.Burst ? now - Throttling.Burst : _next;
            _next = turn + TimeSpan.FromSeconds(1 / (_rate * ShareAt(now)));
            return turn - now;
        }
    }

    private double ShareAt(TimeSpan now) => Math.Min(1, _share + ((now - _changed).TotalSeconds * Throttling.Increase));
}
