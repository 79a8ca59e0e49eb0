using System.ComponentModel.DataAnnotations;

namespace Orders.ServiceDefaults.Protection;

/// <summary>Section <c>RateLimit</c>: how often one client may ask.</summary>
public sealed class RateLimitOptions
{
    public const string Section = "RateLimit";

    /// <summary>What a client is told that asked too often.</summary>
    public const string Refusal =
        "Too many requests came from this address. Nothing was done; send the request again after the seconds that Retry-After says.";

    /// <summary>How many requests a second a client may send in the long run; 0 for any number.</summary>
    [Range(0, 1_000_000, ErrorMessage = "RateLimit__PermitsPerSecond must be between 0 and 1000000.")]
    public int PermitsPerSecond { get; set; } = 100;

    /// <summary>How many it may send at once after a while of silence.</summary>
    [Range(1, 1_000_000, ErrorMessage = "RateLimit__Burst must be between 1 and 1000000.")]
    public int Burst { get; set; } = 200;

    /// <summary>How often a minute a client may sign in wrongly before it can no longer sign in at all; 0 for any number.</summary>
    [Range(0, 60_000, ErrorMessage = "RateLimit__FailedSignInsPerMinute must be between 0 and 60000.")]
    public int FailedSignInsPerMinute { get; set; } = 10;
}
