using System.Globalization;
using Microsoft.Extensions.Options;
using Orders.Ledger;

namespace Orders.Email.RateLimiting;

/// <summary>
/// Limits the emails of all processes with the same ledger together. Each asks the store for its turn. While the store does not
/// answer, each process keeps to the limit by itself.
/// </summary>
internal sealed class SharedEmailRateLimiter(ValkeyStore store, LocalEmailRateLimiter local, IOptions<EmailOptions> options, TimeProvider time) : IEmailRateLimiter, IDisposable
{
    private const string Key = "ledger:email-rate";

    /// <summary>The time between two emails, the burst, and what comes back of the share in a second; times in microseconds.</summary>
    private const string Reserve =
        """
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local turn, share, changed = unpack(redis.call('HMGET', KEYS[1], 'turn', 'share', 'changed'))
        share = math.min(1, (share or 1) + (now - (changed or now)) / 1000000 * ARGV[3])
        turn = math.max(turn or 0, now - ARGV[2])
        -- No clock of another server that had the key before may stop all emails.
        turn = math.min(turn, now + 100 * ARGV[1] / share)
        local following = turn + ARGV[1] / share
        redis.call('HSET', KEYS[1], 'turn', string.format('%.0f', following))
        redis.call('PEXPIRE', KEYS[1], 300000 + math.ceil(math.max(0, following - now) / 1000))
        return math.floor(turn - now)
        """;

    /// <summary>What comes back of the share in a second, the pause in microseconds, and the decrease.</summary>
    private const string SlowDown =
        """
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local share, changed = unpack(redis.call('HMGET', KEYS[1], 'share', 'changed'))
        if not changed or now - changed > tonumber(ARGV[2]) then
          share = math.min(1, (share or 1) + (now - (changed or now)) / 1000000 * ARGV[1])
          redis.call('HSET', KEYS[1], 'share', tostring(share * ARGV[3]), 'changed', string.format('%.0f', now))
          redis.call('PEXPIRE', KEYS[1], math.max(300000, redis.call('PTTL', KEYS[1])))
        end
        """;

    private readonly WaitingLine _line = new(time);
    private readonly double _rate = options.Value.MaxPerSecond * Throttling.Share;

    public ValueTask WaitAsync(CancellationToken cancellationToken) => _rate == 0 ? ValueTask.CompletedTask : _line.WaitAsync(ReserveAsync, cancellationToken);

    public async Task SlowDownAsync()
    {
        await local.SlowDownAsync();
        if (_rate != 0)
        {
            try
            {
                await store.EvaluateAsync(SlowDown, Key, Text(Throttling.Increase), Throttling.Pause.TotalMicroseconds, Text(Throttling.Decrease));
            }
            catch (LedgerUnreachableException)
            {
                // The next refusal will tell it.
            }
        }
    }

    public void Dispose() => _line.Dispose();

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);

    private async ValueTask<TimeSpan> ReserveAsync()
    {
        try
        {
            return TimeSpan.FromMicroseconds((long)await store.EvaluateAsync(
                Reserve, Key, Text(1_000_000 / _rate), Throttling.Burst.TotalMicroseconds, Text(Throttling.Increase)));
        }
        catch (LedgerUnreachableException)
        {
            return local.Reserve();
        }
    }
}
