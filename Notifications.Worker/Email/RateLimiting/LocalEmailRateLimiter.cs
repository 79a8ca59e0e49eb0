using Microsoft.Extensions.Options;

namespace Notifications.Worker.Email.RateLimiting;

/// <summary>Limits the emails of this process alone: each has its turn some time after the one before.</summary>
internal sealed class LocalEmailRateLimiter(IOptions<EmailOptions> options, TimeProvider time) : IEmailRateLimiter
{
    private readonly Lock _lock = new();
    private readonly double _rate = options.Value.MaxPerSecond * Throttling.Share;
    private DateTimeOffset _next = DateTimeOffset.MinValue;
    private double _share = 1;
    private DateTimeOffset _changed = time.GetUtcNow();

    public ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        if (_rate == 0)
        {
            return ValueTask.CompletedTask;
        }

        var wait = Reserve();
        return wait <= TimeSpan.Zero ? ValueTask.CompletedTask : new ValueTask(WaitAsync(wait, cancellationToken));
    }

    public Task SlowDownAsync()
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (_share == 1 || now - _changed > Throttling.Pause)
            {
                _share = ShareAt(now) * Throttling.Decrease;
                _changed = now;
            }
        }

        return Task.CompletedTask;
    }

    private async Task WaitAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        while (wait > TimeSpan.Zero && !await time.TryWaitAsync(wait, cancellationToken))
        {
            wait = Reserve();
        }
    }

    /// <returns>How long it is until the turn.</returns>
    private TimeSpan Reserve()
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (_next < now - Throttling.Burst)
            {
                _next = now - Throttling.Burst;
            }

            var wait = _next - now;
            _next += TimeSpan.FromSeconds(1 / (_rate * ShareAt(now)));
            return wait;
        }
    }

    private double ShareAt(DateTimeOffset now) => Math.Min(1, _share + ((now - _changed).TotalSeconds * Throttling.Increase));
}
