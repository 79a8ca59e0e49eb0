using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace Notifications.Worker.Email;

/// <summary>
/// Has the emails of this process keep to <see cref="EmailOptions.MaxPerSecond"/>, evenly spread: after a rest, what is
/// due within 50 ms may go at once, and one more.
/// </summary>
internal sealed class EmailPace : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    // Ticks come late. The bucket must not be full by then, or the pace would fall short of the limit.
    private static readonly TimeSpan LatestTick = TimeSpan.FromMilliseconds(50);

    private readonly TokenBucketRateLimiter? _bucket;
    private readonly Timer? _timer;

    public EmailPace(IOptions<EmailOptions> options)
    {
        if (options.Value.MaxPerSecond is var rate and not 0)
        {
            var size = 1 + (int)Math.Ceiling(rate * LatestTick.TotalSeconds);
            _bucket = new TokenBucketRateLimiter(new TokenBucketRateLimiterOptions
            {
                TokenLimit = size,
                TokensPerPeriod = 1,
                ReplenishmentPeriod = TimeSpan.FromSeconds(1 / rate),
                // Its own timer keeps to whole milliseconds; filled by hand it goes by the time that has passed.
                AutoReplenishment = false,
                QueueLimit = int.MaxValue,
            });
            _timer = new Timer(_ => Fill(_bucket, size), null, Tick, Tick);
        }
    }

    /// <param name="bucket">Holds what may go at once; who has it fills it.</param>
    internal EmailPace(TokenBucketRateLimiter bucket) => _bucket = bucket;

    /// <summary>Waits until it is the next email's turn: first come, first served, and no wait at all where there is no limit.</summary>
    /// <param name="cancellationToken">Ends the wait; it is not looked at where there is none.</param>
    public ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        if (_bucket is null)
        {
            return ValueTask.CompletedTask;
        }

        using var lease = _bucket.AttemptAcquire();
        return lease.IsAcquired ? ValueTask.CompletedTask : WaitAsync(_bucket, cancellationToken);
    }

    public void Dispose()
    {
        // The bucket throws at a tick that comes after its end.
        using var ticked = new ManualResetEvent(false);
        if (_timer?.Dispose(ticked) == true)
        {
            ticked.WaitOne();
        }

        _bucket?.Dispose();
    }

    private static async ValueTask WaitAsync(TokenBucketRateLimiter bucket, CancellationToken cancellationToken)
    {
        using var lease = await bucket.AcquireAsync(permitCount: 1, cancellationToken);
        if (!lease.IsAcquired)
        {
            throw new OperationCanceledException("The program has ended.");
        }
    }

    private static void Fill(TokenBucketRateLimiter bucket, int size)
    {
        // While it is full it does not look at the clock. Whatever was taken next would be there again at once.
        if (bucket.GetStatistics()!.CurrentAvailablePermits == size)
        {
            bucket.AttemptAcquire().Dispose();
        }

        bucket.TryReplenish();
    }
}
