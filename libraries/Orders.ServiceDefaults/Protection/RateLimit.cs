using System.Net;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;

namespace Orders.ServiceDefaults.Protection;

/// <summary>
/// No client may ask for more than its share: what is over it is answered with 429 and told when to come again. An
/// endpoint is exempt by <c>DisableRateLimiting</c> alone.
/// </summary>
internal sealed partial class RateLimit(IOptions<RateLimitOptions> options, ILogger<RateLimit> logger) : IConfigureOptions<RateLimiterOptions>
{
    public void Configure(RateLimiterOptions limiter)
    {
        var (permits, burst) = (options.Value.PermitsPerSecond, options.Value.Burst);
        if (permits == 0)
        {
            return;
        }

        limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, IPAddress>(http =>
            RateLimitPartition.GetTokenBucketLimiter(Client.Of(http), _ => Bucket(burst, permits)));
        limiter.OnRejected = RefuseAsync;
    }

    private static TokenBucketRateLimiterOptions Bucket(int size, int tokens) => new()
    {
        TokenLimit = size,
        TokensPerPeriod = tokens,
        ReplenishmentPeriod = TimeSpan.FromSeconds(1),
        AutoReplenishment = false,
    };

    private async ValueTask RefuseAsync(OnRejectedContext rejected, CancellationToken cancellationToken)
    {
        var http = rejected.HttpContext;
        Log.Refused(logger, http.Connection.RemoteIpAddress);
        if (rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var wait))
        {
            RetryAfter.Set(http.Response, wait);
        }

        await TypedResults.Problem(
                statusCode: StatusCodes.Status429TooManyRequests,
                detail: RateLimitOptions.Refusal)
            .ExecuteAsync(http);
    }

    private static partial class Log
    {
        // One for each would have whoever floods the program flood its log too.
        [LoggerMessage(EventId = 60, Level = LogLevel.Debug, Message = "A request of {Address} was refused: too many of them")]
        public static partial void Refused(ILogger logger, IPAddress? address);
    }
}
