namespace Orders.Api.OrderBook;

/// <summary>An order book for one process, which forgets everything when that ends, and the oldest of too many entries.</summary>
/// <param name="keepFor">How long entries are kept after their last change.</param>
/// <param name="clock">The clock.</param>
public sealed class InMemoryOrderBook(TimeSpan keepFor, TimeProvider clock) : IOrderBook
{
    /// <summary>How many orders are remembered at most: some 100 MiB.</summary>
    internal const int MostEntries = 100_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<Entry>> _entries = new(StringComparer.Ordinal);

    /// <summary>By their last change, the oldest first.</summary>
    private readonly LinkedList<Entry> _byAge = new();

    private readonly Dictionary<string, List<OrderListener>> _listeners = new(StringComparer.Ordinal);

    public bool IsReachable => true;

    public Task<OrderClaim> ClaimAsync(string orderId, string content, DateTimeOffset now, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var entry = Find(orderId);
            if (entry is { Content: not null } && entry.Content != content)
            {
                return Task.FromResult<OrderClaim>(new OrderClaim.Taken());
            }

            if (entry is { Record: { } record })
            {
                return Task.FromResult<OrderClaim>(new OrderClaim.Known(record.Status, entry.PlacedAt));
            }

            if (entry is { Token: not null } && entry.HeldUntil > clock.GetUtcNow())
            {
                return Task.FromResult<OrderClaim>(new OrderClaim.Held(entry.HeldUntil - clock.GetUtcNow()));
            }

            // A claim that nobody ended: whoever had it may have placed the order.
            var inDoubt = entry is not null;
            entry = Touch(orderId);
            entry.Content = content;
            var placedAt = entry.PlacedAt ??= now;
            entry.InDoubt = inDoubt;
            entry.Token = Guid.NewGuid().ToString("N");
            entry.HeldUntil = clock.GetUtcNow() + OrderClaim.Lease;
            return Task.FromResult<OrderClaim>(new OrderClaim.Granted(entry.Token, placedAt));
        }
    }

    public Task EndClaimAsync(string orderId, OrderClaim.Granted claim, bool inDoubt)
    {
        lock (_lock)
        {
            if (Find(orderId) is { Record: null } entry && entry.Token == claim.Token)
            {
                if (inDoubt || entry.InDoubt)
                {
                    entry.Token = null;
                }
                else
                {
                    Remove(orderId);
                }
            }
        }

        Tell(orderId);
        return Task.CompletedTask;
    }

    public Task RecordPlacedAsync(string orderId, string content, DateTimeOffset placedAt)
    {
        lock (_lock)
        {
            var entry = Touch(orderId);
            entry.Content = content;
            entry.PlacedAt = placedAt;
            entry.Token = null;
            entry.Record = OrderRecord.Apply(entry.Record, orderId, new OrderChange(OrderStatus.Placed, placedAt)) ?? entry.Record;
        }

        Tell(orderId);
        return Task.CompletedTask;
    }

    public Task RecordAsync(string orderId, OrderChange change, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var known = Find(orderId);
            if (OrderRecord.Apply(known?.Record, orderId, change) is not { } record)
            {
                return Task.CompletedTask;
            }

            // Placed by us and heard of before the broker's word came.
            Touch(orderId).Record = known is { Record: null } ? record with { PlacedAt = known.PlacedAt } : record;
        }

        Tell(orderId);
        return Task.CompletedTask;
    }

    public Task<OrderRecord?> FindAsync(string orderId, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return Task.FromResult(Find(orderId)?.Record);
        }
    }

    public Task<OrderListener> ListenAsync(string orderId, CancellationToken cancellationToken)
    {
        var listener = new OrderListener(listener =>
        {
            lock (_lock)
            {
                if (_listeners[orderId].Remove(listener) && _listeners[orderId].Count == 0)
                {
                    _listeners.Remove(orderId);
                }
            }

            return ValueTask.CompletedTask;
        });
        lock (_lock)
        {
            if (!_listeners.TryGetValue(orderId, out var listeners))
            {
                _listeners[orderId] = listeners = [];
            }

            listeners.Add(listener);
        }

        return Task.FromResult(listener);
    }

    private void Tell(string orderId)
    {
        OrderListener[] listeners;
        lock (_lock)
        {
            listeners = _listeners.TryGetValue(orderId, out var found) ? [.. found] : [];
        }

        foreach (var listener in listeners)
        {
            listener.Tell();
        }
    }

    private Entry? Find(string orderId)
    {
        if (!_entries.TryGetValue(orderId, out var node))
        {
            return null;
        }

        if (node.Value.ChangedAt + keepFor > clock.GetUtcNow())
        {
            return node.Value;
        }

        Remove(orderId);
        return null;
    }

    /// <summary>Finds or makes the entry, makes it the youngest, and drops those that are too old or too many.</summary>
    private Entry Touch(string orderId)
    {
        if (Find(orderId) is null)
        {
            _entries[orderId] = new LinkedListNode<Entry>(new Entry(orderId));
        }
        else
        {
            _byAge.Remove(_entries[orderId]);
        }

        var node = _entries[orderId];
        node.Value.ChangedAt = clock.GetUtcNow();
        _byAge.AddLast(node);
        while (_byAge.Count > MostEntries || _byAge.First!.Value.ChangedAt + keepFor <= node.Value.ChangedAt)
        {
            Remove(_byAge.First!.Value.OrderId);
        }

        return node.Value;
    }

    private void Remove(string orderId)
    {
        _byAge.Remove(_entries[orderId]);
        _entries.Remove(orderId);
    }

    private sealed class Entry(string orderId)
    {
        public string OrderId { get; } = orderId;

        /// <summary>What was placed; <c>null</c> where that was not done here.</summary>
        public string? Content { get; set; }

        public DateTimeOffset? PlacedAt { get; set; }

        /// <summary>The claim, until it is ended.</summary>
        public string? Token { get; set; }

        public DateTimeOffset HeldUntil { get; set; }

        /// <summary>Whether an earlier claim may have placed the order.</summary>
        public bool InDoubt { get; set; }

        /// <summary>What became of it; <c>null</c> while it is not known to be placed.</summary>
        public OrderRecord? Record { get; set; }

        public DateTimeOffset ChangedAt { get; set; }
    }
}
