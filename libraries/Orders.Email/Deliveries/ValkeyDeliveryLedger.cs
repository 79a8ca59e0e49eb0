using System.Threading.Channels;
using Microsoft.Extensions.Options;
using Orders.Ledger;
using StackExchange.Redis;

namespace Orders.Email.Deliveries;

/// <summary>
/// A ledger that all workers share. Each entry is a hash, <c>delivery:order-confirmation:12345</c>, which holds no address:
/// its <c>state</c>, the times as milliseconds by the server's own clock, the <c>Message-ID</c>, and the order's
/// <see cref="ContentHash"/> with the id of its key. An entry without the latter two is one of an earlier release.
/// </summary>
internal sealed partial class ValkeyDeliveryLedger : IDeliveryLedger, IDisposable
{
    /// <summary>
    /// Who has the claim, for how long, for how long the entry is kept, the Message-ID, the decision, whether a person has to
    /// decide about an unknown outcome, the content, its key, and whether it may replace another one.
    /// </summary>
    private const string Claim =
        """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local state, at, id, till, decision, content, key = unpack(redis.call('HMGET', KEYS[1], 'state', 'at', 'messageId', 'until', 'decision', 'content', 'contentKey'))
        if content and key == ARGV[8] and content ~= ARGV[7] and (state == 'sent' or ARGV[9] == '0') then
          return { 'conflict' }
        end
        if state == 'sent' then
          return { 'sent', at, id }
        end
        if state == 'claimed' and tonumber(till) > now then
          return { 'held', till }
        end
        if state and ARGV[6] == '1' and (ARGV[5] == '' or ARGV[5] == decision) then
          if state == 'claimed' then
            redis.call('HSET', KEYS[1], 'state', 'unknown', 'at', now)
            redis.call('PEXPIRE', KEYS[1], ARGV[3])
            at = now
          end
          return { 'unknown', at }
        end
        id = id or ARGV[4]
        redis.call('HSET', KEYS[1], 'state', 'claimed', 'at', now, 'messageId', id, 'until', now + ARGV[2], 'attempt', ARGV[1], 'decision', ARGV[5],
          'content', ARGV[7], 'contentKey', ARGV[8])
        redis.call('PEXPIRE', KEYS[1], ARGV[3])
        return { state and 'again' or 'claimed', id }
        """;

    /// <summary>For how long the entry is kept, the Message-ID, the content, and its key.</summary>
    private const string Sent =
        """
        local state, content, key = unpack(redis.call('HMGET', KEYS[1], 'state', 'content', 'contentKey'))
        if state ~= 'sent' and not (content and key == ARGV[4] and content ~= ARGV[3]) then
          local time = redis.call('TIME')
          redis.call('DEL', KEYS[1])
          redis.call('HSET', KEYS[1], 'state', 'sent', 'at', time[1] * 1000 + math.floor(time[2] / 1000), 'messageId', ARGV[2],
            'content', ARGV[3], 'contentKey', ARGV[4])
          redis.call('PEXPIRE', KEYS[1], ARGV[1])
        end
        """;

    /// <summary>
    /// Who has the claim, and for how long the entry is kept. What is left of it says whose the id is, and its Message-ID.
    /// Without a state it is free, to earlier releases as well.
    /// </summary>
    private const string Failed =
        """
        local state, attempt = unpack(redis.call('HMGET', KEYS[1], 'state', 'attempt'))
        if state == 'claimed' and attempt == ARGV[1] then
          redis.call('HDEL', KEYS[1], 'state', 'at', 'until', 'attempt', 'decision')
          redis.call('PEXPIRE', KEYS[1], ARGV[2])
        end
        """;

    /// <summary>Who has the claim, and for how long the entry is kept.</summary>
    private const string Unknown =
        """
        local state, attempt = unpack(redis.call('HMGET', KEYS[1], 'state', 'attempt'))
        if state == 'claimed' and attempt == ARGV[1] then
          local time = redis.call('TIME')
          redis.call('HSET', KEYS[1], 'state', 'unknown', 'at', time[1] * 1000 + math.floor(time[2] / 1000))
          redis.call('PEXPIRE', KEYS[1], ARGV[2])
        end
        """;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Perseverance = TimeSpan.FromMinutes(10);

    private readonly ValkeyStore _store;
    private readonly ContentHash _hash;
    private readonly DeliveryLease _lease;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly long _keepFor;
    private readonly bool _parks;
    private readonly CancellationTokenSource _disposed = new();
    private readonly Channel<Change> _open = Channel.CreateBounded<Change>(
        new BoundedChannelOptions(10_000) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    public ValkeyDeliveryLedger(
        ValkeyStore store, IOptions<LedgerOptions> options, DeliveryLease lease, TimeProvider time, ILogger<ValkeyDeliveryLedger> logger)
    {
        _store = store;
        _hash = new ContentHash(options.Value.Valkey.Password);
        _lease = lease;
        _time = time;
        _logger = logger;
        _keepFor = (long)options.Value.KeepFor.TotalMilliseconds;
        _parks = options.Value.UnknownOutcome == UnknownOutcome.Park;
        _ = MakeUpAsync(_disposed.Token);
    }

    public async Task<DeliveryClaim> ClaimAsync(DeliveryAttempt attempt)
    {
        RedisValue[] answer;
        try
        {
            answer = (RedisValue[])(await _store.EvaluateAsync(
                Claim,
                attempt.Key,
                attempt.Id.ToString("N"),
                (long)_lease.Length.TotalMilliseconds,
                _keepFor,
                attempt.MessageId,
                attempt.Decision?.ToString("N") ?? "",
                _parks ? 1 : 0,
                _hash.Of(attempt),
                _hash.KeyId,
                attempt.IsCorrection ? 1 : 0))!;
        }
        catch (LedgerUnreachableException failure)
        {
            if (failure.MayHaveHappened)
            {
                // Nobody will send on the strength of it, and others should not have to wait until it lapses.
                Promise(new Change(Failed, attempt.Key, [attempt.Id.ToString("N"), _keepFor], _time.GetUtcNow()));
            }

            throw;
        }

        return (string?)answer[0] switch
        {
            "conflict" => new DeliveryClaim.Conflict(),
            "sent" => new DeliveryClaim.AlreadySent((string)answer[2]!, TimeOf(answer[1])),
            "held" => new DeliveryClaim.LeasedByOther(TimeOf(answer[1])),
            "unknown" => new DeliveryClaim.UnknownOutcome(TimeOf(answer[1])),
            var claimed => new DeliveryClaim.Claimed(AfterUnknown: claimed == "again", (string)answer[1]!),
        };
    }

    public async Task<bool> IsConflictAsync(DeliveryAttempt attempt)
    {
        var fields = await _store.AskAsync(server => server.GetDatabase().HashGetAsync(attempt.Key, ["content", "contentKey"]));
        return !fields[0].IsNull && fields[1] == _hash.KeyId && fields[0] != _hash.Of(attempt);
    }

    public Task RecordSentAsync(DeliveryAttempt attempt) => RecordAsync(Sent, attempt, _keepFor, attempt.MessageId, _hash.Of(attempt), _hash.KeyId);

    public Task RecordFailedAsync(DeliveryAttempt attempt) => RecordAsync(Failed, attempt, attempt.Id.ToString("N"), _keepFor);

    public Task RecordUnknownAsync(DeliveryAttempt attempt) => RecordAsync(Unknown, attempt, attempt.Id.ToString("N"), _keepFor);

    public void Dispose()
    {
        _disposed.Cancel();
        _disposed.Dispose();
    }

    private static DateTimeOffset TimeOf(RedisValue milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds((long)milliseconds);

    private async Task RecordAsync(string script, DeliveryAttempt attempt, params RedisValue[] arguments)
    {
        try
        {
            await _store.EvaluateAsync(script, attempt.Key, arguments);
        }
        catch (LedgerUnreachableException)
        {
            Promise(new Change(script, attempt.Key, arguments, _time.GetUtcNow()));
            throw;
        }
    }

    private void Promise(Change change) => _open.Writer.TryWrite(change);

    /// <summary>Makes the changes that the store did not take at once, in their order, as soon as it takes them.</summary>
    private async Task MakeUpAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var change in _open.Reader.ReadAllAsync(cancellationToken))
            {
                while (!await TryMakeAsync(change))
                {
                    await Task.Delay(Pause, cancellationToken);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The program ends. What is left open lapses.
        }
    }

    /// <returns>Whether there is nothing more to be done about it.</returns>
    private async Task<bool> TryMakeAsync(Change change)
    {
        try
        {
            await _store.EvaluateAsync(change.Script, change.Key, change.Arguments);
            Log.MadeUp(_logger, change.Key.ToString());
            return true;
        }
        catch (LedgerUnreachableException failure)
        {
            if (_time.GetUtcNow() - change.Since < Perseverance)
            {
                return false;
            }

            Log.GivenUp(_logger, change.Key.ToString(), failure.Message);
            return true;
        }
    }

    private sealed record Change(string Script, RedisKey Key, RedisValue[] Arguments, DateTimeOffset Since);

    private static partial class Log
    {
        [LoggerMessage(2150, LogLevel.Information, "The ledger has been told late of {Delivery}")]
        public static partial void MadeUp(ILogger logger, string delivery);

        [LoggerMessage(2151, LogLevel.Error, "The ledger could not be told of {Delivery}: {Reason}")]
        public static partial void GivenUp(ILogger logger, string delivery, string reason);
    }
}
