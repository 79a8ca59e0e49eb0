using System.Net;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Notifications.Worker.Protection;

namespace Notifications.Worker.Faults.Access;

/// <summary>
/// Passwords cannot be guessed by trying: a client that gave too many wrong ones is let in no more, not even with the
/// right one, until some time has passed. See <see cref="RateLimitOptions.FailedSignInsPerMinute"/>.
/// </summary>
internal sealed class SignInLimit(IOptions<RateLimitOptions> options) : IDisposable
{
    private readonly PartitionedRateLimiter<HttpContext> _failures = PartitionedRateLimiter.Create<HttpContext, IPAddress>(http =>
        options.Value.FailedSignInsPerMinute is > 0 and var perMinute
            ? RateLimitPartition.GetTokenBucketLimiter(Client.Of(http), _ => RateLimit.Bucket(perMinute, 1, TimeSpan.FromMinutes(1) / perMinute))
            : RateLimitPartition.GetNoLimiter(Client.Of(http)));

    /// <summary>Counts what was given, if it was wrong.</summary>
    /// <returns>Whether the client may know if it was right. Otherwise the lease says when it may try again.</returns>
    public RateLimitLease Take(HttpContext http, bool wasRight) => _failures.AttemptAcquire(http, wasRight ? 0 : 1);

    /// <summary>Whether the client has no further try.</summary>
    public bool IsUsedUp(HttpContext http) => _failures.GetStatistics(http) is { CurrentAvailablePermits: 0 };

    public void Dispose() => _failures.Dispose();
}
