using System.Globalization;
using System.Text.Json;
using Orders.Ledger;
using StackExchange.Redis;

namespace Orders.Api.OrderStore;

/// <summary>
/// An order store that all processes share: an order is a hash on a Valkey or Redis server, and whatever is asked of it is one
/// script there, so one round trip and nothing in between. Times in it are those of the server where they decide about a
/// claim, and ticks of UTC. Changes are announced on a channel of the hash's name.
/// </summary>
/// <remarks>
/// The fields of a notification are those of the order itself, each with the notification's name and reference in front of
/// its name: <c>order-shipped:1Z999:status</c>. Earlier releases know the fields of the order alone, and pass over the others.
/// </remarks>
/// <param name="store">The server.</param>
/// <param name="keepFor">How long an order is kept after the last change of anything that is known of it.</param>
public sealed class ValkeyOrderStore(ValkeyStore store, TimeSpan keepFor) : IOrderStore
{
    /// <summary>What the keys of orders begin with; the order id follows.</summary>
    internal const string Prefix = "orders:book:";

    // What every script knows: the order, what the fields of the entry begin with, and the order's notifications, the oldest first.
    private const string Common =
        """
        local key, entry, most, keepFor = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3]
        local function get(...)
          local fields = {...}
          for i, field in ipairs(fields) do fields[i] = entry .. field end
          return unpack(redis.call('HMGET', key, unpack(fields)))
        end
        local function set(...)
          local fields = {...}
          for i = 1, #fields, 2 do fields[i] = entry .. fields[i] end
          redis.call('HSET', key, unpack(fields))
        end
        local function accept(hash, address, details, at)
          set('content', hash, 'placedAt', at)
          if details ~= '' then set('details', details) end
          if entry == '' then set('address', address) end
        end
        local function notifications()
          local found = {}
          for one in string.gmatch(redis.call('HGET', key, 'notifications') or '', '[^\n]+') do table.insert(found, one) end
          return found
        end
        local function forget(one)
          for _, field in ipairs({'content', 'address', 'details', 'placedAt', 'token', 'heldUntil', 'inDoubt', 'status', 'isPlaced', 'attempts', 'nextAttemptAt',
              'confirmedAt', 'messageId', 'failedAt', 'reason', 'history', 'changes', 'retriedAt'}) do
            redis.call('HDEL', key, one .. field)
          end
          local left = {}
          for _, other in ipairs(notifications()) do
            if other ~= one then table.insert(left, other) end
          end
          if #left > 0 then
            redis.call('HSET', key, 'notifications', table.concat(left, '\n'))
          else
            redis.call('HDEL', key, 'notifications')
          end
        end
        local function touch()
          redis.call('PEXPIRE', key, keepFor)
          if entry == '' then return end
          local found = notifications()
          for _, one in ipairs(found) do
            if one == entry then return end
          end
          table.insert(found, entry)
          redis.call('HSET', key, 'notifications', table.concat(found, '\n'))
          if #found > most then forget(found[1]) end
        end
        local function publish()
          redis.call('PUBLISH', key, '')
        end

        """;

    // Without a status nobody has heard that it was accepted. A claim that nobody ended leaves it in doubt. What was taken
    // before stays so, whichever order was placed since.
    private const string Claim = Common +
        """
        local hash, address, details, newToken, acceptedAt, lease = unpack(ARGV, 4)
        local status, content, placedAt, token, heldUntil = get('status', 'content', 'placedAt', 'token', 'heldUntil')
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        if content and content ~= hash then return {'taken'} end
        local known = redis.call('HGET', key, 'address')
        if not content and known and known ~= address then return {'otherAddress'} end
        if status then return {'known', status, placedAt} end
        if token and tonumber(heldUntil) > now then return {'held', tonumber(heldUntil) - now} end
        if not content then
          placedAt = acceptedAt
          accept(hash, address, details, placedAt)
        else
          set('inDoubt', '1')
        end
        set('token', newToken, 'heldUntil', string.format('%.0f', now + lease))
        touch()
        return {'granted', placedAt}
        """;

    private const string EndClaim = Common +
        """
        local status, token, inDoubt = get('status', 'token', 'inDoubt')
        if not status and token == ARGV[4] then
          if inDoubt or ARGV[5] == '1' then
            redis.call('HDEL', key, entry .. 'token', entry .. 'heldUntil')
          else
            forget(entry)
          end
        end
        publish()
        """;

    private const string RecordAccepted = Common +
        """
        local hash, address, details, acceptedAt, change = unpack(ARGV, 4)
        accept(hash, address, details, acceptedAt)
        redis.call('HDEL', key, entry .. 'token', entry .. 'heldUntil', entry .. 'inDoubt')
        redis.call('HSETNX', key, entry .. 'status', 'Placed')
        if redis.call('HSETNX', key, entry .. 'isPlaced', '1') == 1 then
          local history = get('history')
          set('history', (history and history .. ',' or '') .. change)
          redis.call('HINCRBY', key, entry .. 'changes', 1)
        end
        touch()
        publish()
        """;

    // The rules of NotificationState.Apply, in the words that the order has for its confirmation.
    private const string Record = Common +
        """
        local become, at, attempts, nextAttemptAt, messageId, reason, change, mostChanges = unpack(ARGV, 4)
        local status, failedAt, retriedAt, history, changes = get('status', 'failedAt', 'retriedAt', 'history', 'changes')
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
        set('status', become, 'nextAttemptAt', nextAttemptAt, 'messageId', messageId, 'reason', reason,
          'confirmedAt', become == 'Confirmed' and at or '', 'failedAt', become == 'Failed' and at or '')
        if attempts ~= '' then set('attempts', attempts) end
        if become ~= 'Retrying' or tonumber(changes or 0) < tonumber(mostChanges) then
          set('history', (history and history .. ',' or '') .. change)
          redis.call('HINCRBY', key, entry .. 'changes', 1)
          if become == 'Retrying' then set('retriedAt', at) end
        end
        touch()
        publish()
        """;

    private readonly RedisValue _keepFor = (long)keepFor.TotalMilliseconds;

    public bool IsReachable => store.IsConnected;

    public async Task<StoreClaim> ClaimAsync(NotificationKey key, StoredContent content, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var token = Guid.NewGuid().ToString("N");
        // Not given up in the middle: the claim would be nobody's until it lapses.
        var answer = (RedisValue[])(await EvaluateAsync(
            Claim, key, content.Hash, content.Address, content.Details ?? "", token, TicksOf(now), (long)StoreClaim.Lease.TotalMilliseconds))!;
        return (string)answer[0]! switch
        {
            "granted" => new StoreClaim.Granted(token, TimeOf(answer[1])!.Value),
            "held" => new StoreClaim.Held(TimeSpan.FromMilliseconds((long)answer[1])),
            "known" => new StoreClaim.Known(StatusOf((string)answer[1]!), TimeOf(answer[2])),
            "otherAddress" => new StoreClaim.OtherAddress(),
            _ => new StoreClaim.Taken(),
        };
    }

    public Task EndClaimAsync(NotificationKey key, StoreClaim.Granted claim, bool inDoubt) =>
        EvaluateAsync(EndClaim, key, claim.Token, inDoubt ? "1" : "0");

    public Task RecordAcceptedAsync(NotificationKey key, StoredContent content, DateTimeOffset acceptedAt) => EvaluateAsync(
        RecordAccepted, key, content.Hash, content.Address, content.Details ?? "", TicksOf(acceptedAt), Write(new NotificationChange(NotificationStatus.Accepted, acceptedAt)));

    public Task RecordAsync(NotificationKey key, NotificationChange change, CancellationToken cancellationToken) => EvaluateAsync(
        Record,
        key,
        change.Status.ToOrderStatus().ToString(),
        TicksOf(change.At),
        change.Attempts ?? RedisValue.EmptyString,
        change.NextAttemptAt is { } next ? TicksOf(next) : RedisValue.EmptyString,
        change.MessageId ?? "",
        change.Reason ?? "",
        Write(change),
        NotificationState.MostChanges);

    public async Task<OrderRecord?> FindAsync(string orderId, CancellationToken cancellationToken)
    {
        var fields = (await store.AskAsync(connection => connection.GetDatabase().HashGetAllAsync(KeyOf(orderId)).WaitAsync(cancellationToken))).ToStringDictionary();
        return OrderRecord.Of(
            orderId,
            Read(fields, NotificationKey.Confirmation(orderId)),
            [.. fields.GetValueOrDefault("notifications", "").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(entry => Read(fields, KeyOf(orderId, entry))).OfType<StoredEntry>()]);
    }

    public async Task<OrderListener> ListenAsync(string orderId, CancellationToken cancellationToken)
    {
        var channel = await store.AskAsync(connection => connection.GetSubscriber().SubscribeAsync(RedisChannel.Literal(Prefix + orderId)));
        var listener = new OrderListener(async _ => await channel.UnsubscribeAsync(CommandFlags.FireAndForget));
        channel.OnMessage(_ => listener.Tell());
        return listener;
    }

    private static StoredEntry? Read(Dictionary<string, string> fields, NotificationKey key)
    {
        var entry = EntryOf(key);
        return Text("status") is { } status
            ? new StoredEntry(
                key,
                Time("placedAt"),
                Text("details"),
                new NotificationState(
                    StatusOf(status),
                    Text("attempts") is { } attempts ? int.Parse(attempts, CultureInfo.InvariantCulture) : 0,
                    Time("nextAttemptAt"),
                    Time("confirmedAt"),
                    Text("messageId"),
                    Time("failedAt"),
                    Text("reason"),
                    [.. JsonSerializer.Deserialize($"[{Text("history")}]", OrderStoreJsonContext.Default.OrderChangeArray)!
                        .Select(change => change.ToNotificationChange())
                        .OrderBy(change => change.At)]))
            : null;

        string? Text(string field) => fields.GetValueOrDefault(entry + field) is { Length: > 0 } text ? text : null;

        DateTimeOffset? Time(string field) => TimeOf(Text(field));
    }

    /// <summary>What the names of an entry's fields begin with.</summary>
    private static string EntryOf(NotificationKey key) =>
        key.IsConfirmation ? "" : $"{Uri.EscapeDataString(key.Notification)}:{Uri.EscapeDataString(key.Reference ?? "")}:";

    private static NotificationKey KeyOf(string orderId, string entry)
    {
        var parts = entry.Split(':');
        return new NotificationKey(orderId, Uri.UnescapeDataString(parts[0]), parts[1].Length == 0 ? null : Uri.UnescapeDataString(parts[1]));
    }

    private static RedisKey KeyOf(string orderId) => Prefix + orderId;

    private Task<RedisResult> EvaluateAsync(string script, NotificationKey key, params RedisValue[] values) =>
        store.EvaluateAsync(script, KeyOf(key.OrderId), [EntryOf(key), StoredEntry.MostNotifications, _keepFor, .. values]);

    // Stored in the words of the order, which earlier releases read.
    private static string Write(NotificationChange change) => JsonSerializer.Serialize(OrderChange.Of(change), OrderStoreJsonContext.Default.OrderChange);

    private static NotificationStatus StatusOf(string stored) => Enum.Parse<OrderStatus>(stored).ToNotificationStatus();

    private static RedisValue TicksOf(DateTimeOffset time) => time.UtcTicks;

    private static DateTimeOffset? TimeOf(RedisValue ticks) => ticks.IsNullOrEmpty ? null : new DateTimeOffset((long)ticks, TimeSpan.Zero);
}
