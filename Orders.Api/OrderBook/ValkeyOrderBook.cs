using System.Globalization;
using System.Text.Json;
using Orders.Ledger;
using StackExchange.Redis;

namespace Orders.Api.OrderBook;

/// <summary>
/// An order book that all processes share: an entry is a hash on a Valkey or Redis server, and whatever is asked of it is one
/// script there, so one round trip and nothing in between. Times in it are those of the server where they decide about a
/// claim, and ticks of UTC. Changes are announced on a channel of the entry's name.
/// </summary>
/// <param name="store">The server.</param>
/// <param name="keepFor">How long entries are kept after their last change.</param>
public sealed class ValkeyOrderBook(ValkeyStore store, TimeSpan keepFor) : IOrderBook
{
    /// <summary>What the keys of entries begin with; the order id follows.</summary>
    internal const string Prefix = "orders:book:";

    // Without a status nobody has heard that the order was placed. A claim that nobody ended leaves its order in doubt.
    private const string Claim =
        """
        local status, content, placedAt, token, heldUntil = unpack(redis.call('HMGET', KEYS[1], 'status', 'content', 'placedAt', 'token', 'heldUntil'))
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        if content and content ~= ARGV[1] then return {'taken'} end
        if status then return {'known', status, placedAt} end
        if token and tonumber(heldUntil) > now then return {'held', tonumber(heldUntil) - now} end
        if not content then
          placedAt = ARGV[3]
          redis.call('HSET', KEYS[1], 'content', ARGV[1], 'placedAt', placedAt)
        else
          redis.call('HSET', KEYS[1], 'inDoubt', '1')
        end
        redis.call('HSET', KEYS[1], 'token', ARGV[2], 'heldUntil', string.format('%.0f', now + ARGV[4]))
        redis.call('PEXPIRE', KEYS[1], ARGV[5])
        return {'granted', placedAt}
        """;

    private const string EndClaim =
        """
        local status, token, inDoubt = unpack(redis.call('HMGET', KEYS[1], 'status', 'token', 'inDoubt'))
        if not status and token == ARGV[1] then
          if inDoubt or ARGV[2] == '1' then
            redis.call('HDEL', KEYS[1], 'token', 'heldUntil')
          else
            redis.call('DEL', KEYS[1])
          end
        end
        redis.call('PUBLISH', KEYS[1], '')
        """;

    private const string RecordPlaced =
        """
        redis.call('HSET', KEYS[1], 'content', ARGV[1], 'placedAt', ARGV[2])
        redis.call('HDEL', KEYS[1], 'token', 'heldUntil', 'inDoubt')
        redis.call('HSETNX', KEYS[1], 'status', 'Placed')
        if redis.call('HSETNX', KEYS[1], 'isPlaced', '1') == 1 then
          local history = redis.call('HGET', KEYS[1], 'history')
          redis.call('HSET', KEYS[1], 'history', (history and history .. ',' or '') .. ARGV[3])
          redis.call('HINCRBY', KEYS[1], 'changes', 1)
        end
        redis.call('PEXPIRE', KEYS[1], ARGV[4])
        redis.call('PUBLISH', KEYS[1], '')
        """;

    // The rules of OrderRecord.Apply.
    private const string Record =
        """
        local status, failedAt, retriedAt, history, changes = unpack(redis.call('HMGET', KEYS[1], 'status', 'failedAt', 'retriedAt', 'history', 'changes'))
        local become, at, attempts, nextAttemptAt, messageId, reason, change = unpack(ARGV)
        local isNews = true
        if become == 'Confirmed' then
          isNews = status ~= 'Confirmed'
        elseif become == 'Failed' then
          isNews = status ~= 'Confirmed' and not (history and string.find(history, change, 1, true))
        elseif status == 'Confirmed' then
          isNews = false
        elseif status == 'Failed' then
          isNews = tonumber(at) > tonumber(failedAt)
        elseif status == 'Retrying' then
          isNews = tonumber(at) > tonumber(retriedAt or 0)
        end
        if not isNews then return end
        redis.call('HSET', KEYS[1], 'status', become, 'nextAttemptAt', nextAttemptAt, 'messageId', messageId, 'reason', reason,
          'confirmedAt', become == 'Confirmed' and at or '', 'failedAt', become == 'Failed' and at or '')
        if attempts ~= '' then redis.call('HSET', KEYS[1], 'attempts', attempts) end
        if become ~= 'Retrying' or tonumber(changes or 0) < tonumber(ARGV[8]) then
          redis.call('HSET', KEYS[1], 'history', (history and history .. ',' or '') .. change)
          redis.call('HINCRBY', KEYS[1], 'changes', 1)
          if become == 'Retrying' then redis.call('HSET', KEYS[1], 'retriedAt', at) end
        end
        redis.call('PEXPIRE', KEYS[1], ARGV[9])
        redis.call('PUBLISH', KEYS[1], '')
        """;

    private readonly RedisValue _keepFor = (long)keepFor.TotalMilliseconds;

    public bool IsReachable => store.IsConnected;

    public async Task<OrderClaim> ClaimAsync(string orderId, string content, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var token = Guid.NewGuid().ToString("N");
        // Not given up in the middle: the claim would be nobody's until it lapses.
        var answer = (RedisValue[])(await EvaluateAsync(
            Claim, orderId, content, token, TicksOf(now), (long)OrderClaim.Lease.TotalMilliseconds, _keepFor))!;
        return (string)answer[0]! switch
        {
            "granted" => new OrderClaim.Granted(token, TimeOf(answer[1])!.Value),
            "held" => new OrderClaim.Held(TimeSpan.FromMilliseconds((long)answer[1])),
            "known" => new OrderClaim.Known(Enum.Parse<OrderStatus>((string)answer[1]!), TimeOf(answer[2])),
            _ => new OrderClaim.Taken(),
        };
    }

    public Task EndClaimAsync(string orderId, OrderClaim.Granted claim, bool inDoubt) =>
        EvaluateAsync(EndClaim, orderId, claim.Token, inDoubt ? "1" : "0");

    public Task RecordPlacedAsync(string orderId, string content, DateTimeOffset placedAt) =>
        EvaluateAsync(RecordPlaced, orderId, content, TicksOf(placedAt), Write(new OrderChange(OrderStatus.Placed, placedAt)), _keepFor);

    public Task RecordAsync(string orderId, OrderChange change, CancellationToken cancellationToken) => EvaluateAsync(
        Record,
        orderId,
        change.Status.ToString(),
        TicksOf(change.At),
        change.Attempts ?? RedisValue.EmptyString,
        change.NextAttemptAt is { } next ? TicksOf(next) : RedisValue.EmptyString,
        change.MessageId ?? "",
        change.Reason ?? "",
        Write(change),
        OrderRecord.MostChanges,
        _keepFor);

    public async Task<OrderRecord?> FindAsync(string orderId, CancellationToken cancellationToken)
    {
        var fields = (await store.AskAsync(connection => connection.GetDatabase().HashGetAllAsync(KeyOf(orderId)).WaitAsync(cancellationToken))).ToStringDictionary();
        return fields.TryGetValue("status", out var status)
            ? new OrderRecord(
                orderId,
                Enum.Parse<OrderStatus>(status),
                Time("placedAt"),
                fields.TryGetValue("attempts", out var attempts) ? int.Parse(attempts, CultureInfo.InvariantCulture) : 0,
                Time("nextAttemptAt"),
                Time("confirmedAt"),
                Text("messageId"),
                Time("failedAt"),
                Text("reason"),
                [.. JsonSerializer.Deserialize($"[{fields["history"]}]", OrderBookJsonContext.Default.OrderChangeArray)!.OrderBy(change => change.At)])
            : null;

        string? Text(string field) => fields.GetValueOrDefault(field) is { Length: > 0 } text ? text : null;

        DateTimeOffset? Time(string field) => TimeOf(Text(field));
    }

    public async Task<OrderListener> ListenAsync(string orderId, CancellationToken cancellationToken)
    {
        var channel = await store.AskAsync(connection => connection.GetSubscriber().SubscribeAsync(RedisChannel.Literal(Prefix + orderId)));
        var listener = new OrderListener(async _ => await channel.UnsubscribeAsync(CommandFlags.FireAndForget));
        channel.OnMessage(_ => listener.Tell());
        return listener;
    }

    private static RedisKey KeyOf(string orderId) => Prefix + orderId;

    private Task<RedisResult> EvaluateAsync(string script, string orderId, params RedisValue[] values) =>
        store.EvaluateAsync(script, KeyOf(orderId), values);

    private static string Write(OrderChange change) => JsonSerializer.Serialize(change, OrderBookJsonContext.Default.OrderChange);

    private static RedisValue TicksOf(DateTimeOffset time) => time.UtcTicks;

    private static DateTimeOffset? TimeOf(RedisValue ticks) => ticks.IsNullOrEmpty ? null : new DateTimeOffset((long)ticks, TimeSpan.Zero);
}
