namespace Orders.Ledger;

/// <summary>Keeps a warning that there would be reason for with every email or order from filling the log. Safe for concurrent use.</summary>
/// <param name="period">The least time from one warning to the next.</param>
/// <param name="time">The time.</param>
public sealed class RateLimitedLog(TimeSpan period, TimeProvider time)
{
    private readonly Lock _lock = new();
    private DateTimeOffset _next = DateTimeOffset.MinValue;
    private int _reasons;

    /// <summary>Counts one more reason for the warning.</summary>
    /// <param name="reasons">How many there were since the last warning, this one included.</param>
    /// <returns>Whether it is to be given now.</returns>
    public bool IsDue(out int reasons)
    {
        lock (_lock)
        {
            reasons = ++_reasons;
            var now = time.GetUtcNow();
            if (now < _next)
            {
                return false;
            }

            _next = now + period;
            _reasons = 0;
            return true;
        }
    }
}
