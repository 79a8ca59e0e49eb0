namespace Orders.Api.OrderStore;

/// <summary>An order store for one process, which forgets everything when that ends, and the oldest of too many entries.</summary>
/// <param name="keepFor">How long entries are kept after their last change.</param>
/// <param name="clock">The clock.</param>
public sealed class InMemoryOrderStore(TimeSpan keepFor, TimeProvider clock) : IOrderStore
{
    /// <summary>How many orders and notifications are remembered at most: some 100 MiB.</summary>
    internal const int MostEntries = 100_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<Order>> _orders = new(StringComparer.Ordinal);

    /// <summary>By their last change, the oldest first.</summary>
    private readonly LinkedList<Order> _byAge = new();

    /// <summary>Of all orders together.</summary>
    private int _notifications;

    private readonly Dictionary<string, List<OrderListener>> _listeners = new(StringComparer.Ordinal);

    public bool IsReachable => true;

    public Task<StoreClaim> ClaimAsync(NotificationKey key, StoredContent content, DateTimeOffset now, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return Task.FromResult(Claim(key, content, now));
        }
    }

    private StoreClaim Claim(NotificationKey key, StoredContent content, DateTimeOffset now)
    {
        var order = Find(key.OrderId);
        var entry = order?.Find(key);
        if (entry is { Content: { } known } && known.Hash != content.Hash)
        {
            return new StoreClaim.Taken();
        }

        // What was taken before stays so, whichever order was placed since.
        if (entry is not { Content: not null } && order?.Itself.Content is { } placed && placed.Address != content.Address)
        {
            return new StoreClaim.OtherAddress();
        }

        if (entry is { State: { } state })
        {
            return new StoreClaim.Known(state.Status, entry.AcceptedAt);
        }

        if (entry is { Token: not null } && entry.HeldUntil > clock.GetUtcNow())
        {
            return new StoreClaim.Held(entry.HeldUntil - clock.GetUtcNow());
        }

        // A claim that nobody ended: whoever had it may have published.
        var inDoubt = entry is { Content: not null };
        entry = Touch(key);
        entry.Content = content;
        var acceptedAt = entry.AcceptedAt ??= now;
        entry.InDoubt = inDoubt;
        entry.Token = Guid.NewGuid().ToString("N");
        entry.HeldUntil = clock.GetUtcNow() + StoreClaim.Lease;
        return new StoreClaim.Granted(entry.Token, acceptedAt);
    }

    public Task EndClaimAsync(NotificationKey key, StoreClaim.Granted claim, bool inDoubt)
    {
        lock (_lock)
        {
            if (Find(key.OrderId) is { } order && order.Find(key) is { State: null } entry && entry.Token == claim.Token)
            {
                if (inDoubt || entry.InDoubt)
                {
                    entry.Token = null;
                }
                else
                {
                    Forget(order, entry);
                }
            }
        }

        Tell(key.OrderId);
        return Task.CompletedTask;
    }

    public Task RecordAcceptedAsync(NotificationKey key, StoredContent content, DateTimeOffset acceptedAt)
    {
        lock (_lock)
        {
            var entry = Touch(key);
            entry.Content = content;
            entry.AcceptedAt = acceptedAt;
            entry.Token = null;
            entry.State = NotificationState.Apply(entry.State, new NotificationChange(NotificationStatus.Accepted, acceptedAt)) ?? entry.State;
        }

        Tell(key.OrderId);
        return Task.CompletedTask;
    }

    public Task RecordAsync(NotificationKey key, NotificationChange change, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (NotificationState.Apply(Find(key.OrderId)?.Find(key)?.State, change) is not { } state)
            {
                return Task.CompletedTask;
            }

            Touch(key).State = state;
        }

        Tell(key.OrderId);
        return Task.CompletedTask;
    }

    public Task<OrderRecord?> FindAsync(string orderId, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return Task.FromResult(Find(orderId) is { } order
                ? OrderRecord.Of(orderId, order.Itself.ToStoredEntry(), [.. order.Notifications.Select(entry => entry.ToStoredEntry()).OfType<StoredEntry>()])
                : null);
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

    private Order? Find(string orderId)
    {
        if (!_orders.TryGetValue(orderId, out var node))
        {
            return null;
        }

        if (node.Value.ChangedAt + keepFor > clock.GetUtcNow())
        {
            return node.Value;
        }

        Remove(node.Value);
        return null;
    }

    /// <summary>Finds or makes the entry, makes its order the youngest, and drops what is too old or too much.</summary>
    private Entry Touch(NotificationKey key)
    {
        if (Find(key.OrderId) is null)
        {
            _orders[key.OrderId] = new LinkedListNode<Order>(new Order(key.OrderId));
        }
        else
        {
            _byAge.Remove(_orders[key.OrderId]);
        }

        var node = _orders[key.OrderId];
        var order = node.Value;
        order.ChangedAt = clock.GetUtcNow();
        _byAge.AddLast(node);
        if (order.Find(key) is not { } entry)
        {
            order.Notifications.Add(entry = new Entry(key));
            _notifications++;
        }

        while (order.Notifications.Count > StoredEntry.MostNotifications)
        {
            Forget(order, order.Notifications[0]);
        }

        while (_byAge.First!.Value is var oldest && oldest != order
            && (_byAge.Count + _notifications > MostEntries || oldest.ChangedAt + keepFor <= order.ChangedAt))
        {
            Remove(oldest);
        }

        return entry;
    }

    /// <summary>Forgets one entry, and its order where that was all.</summary>
    private void Forget(Order order, Entry entry)
    {
        if (order.Notifications.Remove(entry))
        {
            _notifications--;
        }
        else
        {
            order.Itself = new Entry(entry.Key);
        }

        if (order.Notifications.Count == 0 && order.Itself.IsEmpty)
        {
            Remove(order);
        }
    }

    private void Remove(Order order)
    {
        _byAge.Remove(_orders[order.OrderId]);
        _orders.Remove(order.OrderId);
        _notifications -= order.Notifications.Count;
    }

    private sealed class Order(string orderId)
    {
        public string OrderId { get; } = orderId;

        /// <summary>What is known of the order itself, which is its confirmation; empty where that is nothing.</summary>
        public Entry Itself { get; set; } = new(NotificationKey.Confirmation(orderId));

        /// <summary>Its other notifications, the oldest first.</summary>
        public List<Entry> Notifications { get; } = [];

        public DateTimeOffset ChangedAt { get; set; }

        public Entry? Find(NotificationKey key) => key.IsConfirmation ? Itself : Notifications.Find(entry => entry.Key == key);
    }

    private sealed class Entry(NotificationKey key)
    {
        public NotificationKey Key { get; } = key;

        /// <summary>What was published; <c>null</c> where that was not done here.</summary>
        public StoredContent? Content { get; set; }

        public DateTimeOffset? AcceptedAt { get; set; }

        /// <summary>The claim, until it is ended.</summary>
        public string? Token { get; set; }

        public DateTimeOffset HeldUntil { get; set; }

        /// <summary>Whether an earlier claim may have published it.</summary>
        public bool InDoubt { get; set; }

        /// <summary>What became of it; <c>null</c> while it is not known to be accepted.</summary>
        public NotificationState? State { get; set; }

        public bool IsEmpty => Content is null && State is null;

        public StoredEntry? ToStoredEntry() => State is null ? null : new StoredEntry(Key, AcceptedAt, Content?.Details, State);
    }
}
