using System.Net;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Orders.ServiceDefaults.Protection;

namespace Orders.Api.Status;

/// <summary>
/// How many streams may be open at the same time. Each holds a connection for as long as its listener likes, so they never
/// have more than half of <see cref="HttpOptions.MaxConnections"/>: the rest is for orders.
/// </summary>
public sealed class StatusStreams : IDisposable
{
    /// <summary>How many of them one client may have.</summary>
    public const int MostOfOneClient = 100;

    private readonly PartitionedRateLimiter<HttpContext> _limiter;

    public StatusStreams(IOptions<HttpOptions> options)
    {
        var most = Math.Max(1, options.Value.MaxConnections / 2);
        _limiter = PartitionedRateLimiter.CreateChained(
            PartitionedRateLimiter.Create<HttpContext, IPAddress>(http => RateLimitPartition.GetConcurrencyLimiter(Client.Of(http), _ => Limit(MostOfOneClient))),
            PartitionedRateLimiter.Create<HttpContext, bool>(_ => RateLimitPartition.GetConcurrencyLimiter(true, _ => Limit(most))));
    }

    /// <summary>Takes a place for a stream, which is free again when the request is over.</summary>
    /// <returns>Whether there was one.</returns>
    public bool TryOpen(HttpContext http)
    {
        var lease = _limiter.AttemptAcquire(http);
        http.Response.RegisterForDispose(lease);
        return lease.IsAcquired;
    }

    public void Dispose() => _limiter.Dispose();

    private static ConcurrencyLimiterOptions Limit(int permits) => new() { PermitLimit = permits };
}
