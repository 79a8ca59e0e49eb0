namespace Orders.Email.Smtp;

/// <summary>
/// Who may use a connection to the mail server: so many at a time, one fewer for any one domain of recipients, and one fewer
/// for all slow domains together. Domains whose emails the server is slow to take must not keep the connections from others.
/// </summary>
/// <param name="size">How many there are.</param>
/// <param name="time">Says for how long one has been in use.</param>
internal sealed class ConnectionSlots(int size, TimeProvider time)
{
    /// <summary>How long an email waits at least before it makes room for others.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>A domain is slow while one of its emails has taken longer, and for a while afterwards.</summary>
    public static readonly TimeSpan Slow = TimeSpan.FromSeconds(2);

    /// <summary>For how long a domain is slow after a slow email, unless an email that is not slow comes first.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _waiters = [];
    private readonly List<Slot> _used = [];
    // The domains whose last email was slow, and when it ended.
    private readonly Dictionary<string, long> _slow = [];
    private int _size = size;
    private TaskCompletionSource? _drained;

    /// <summary>How many are in use.</summary>
    public int Used
    {
        get
        {
            lock (_lock)
            {
                return _used.Count;
            }
        }
    }

    /// <summary>Waits for one.</summary>
    /// <param name="domain">The recipient's.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Dispose of it to let others have it.</returns>
    /// <exception cref="MailHeldException">The domain is slow, and the email is to make room for others.</exception>
    public async ValueTask<IDisposable> TakeAsync(string domain, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_lock)
        {
            if (MayHave(domain))
            {
                return Give(domain);
            }

            waiter = new Waiter(domain);
            _waiters.AddLast(waiter);
        }

        while (true)
        {
            try
            {
                return await waiter.Turn.Task.WaitAsync(Patience, time, cancellationToken);
            }
            catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
            {
                lock (_lock)
                {
                    if (waiter.Turn.Task.IsCompleted)
                    {
                        return waiter.Turn.Task.Result;
                    }

                    if (IsSlow(domain) || exception is OperationCanceledException)
                    {
                        _waiters.Remove(waiter);
                        throw exception is OperationCanceledException ? exception : new MailHeldException(makesRoom: true);
                    }
                }
            }
        }
    }

    /// <summary>Changes how many there are; those in use beyond that are not taken away.</summary>
    public void Resize(int count)
    {
        lock (_lock)
        {
            _size = count;
            Distribute();
        }
    }

    /// <summary>Completes when none is in use.</summary>
    public Task DrainAsync()
    {
        lock (_lock)
        {
            _drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            EndDrain();
            return _drained.Task;
        }
    }

    private bool MayHave(string domain) => _used.Count < _size && (_size == 1 || (HasRoomFor(domain) && (!IsSlow(domain) || HasRoomForSlow())));

    private bool HasRoomFor(string domain) => _used.Count(slot => slot.Domain == domain) < _size - 1;

    private bool HasRoomForSlow() => _used.Count(slot => IsSlow(slot.Domain)) < _size - 1;

    private bool IsSlow(string domain) =>
        _used.Exists(slot => slot.Domain == domain && IsSlow(slot)) || (_slow.TryGetValue(domain, out var ended) && time.GetElapsedTime(ended) < Memory);

    private bool IsSlow(Slot slot) => time.GetElapsedTime(slot.Since) > Slow;

    private Slot Give(string domain)
    {
        var slot = new Slot(this, domain, time.GetTimestamp());
        _used.Add(slot);
        return slot;
    }

    private void Release(Slot slot)
    {
        lock (_lock)
        {
            if (_used.Remove(slot))
            {
                Remember(slot);
                Distribute();
                EndDrain();
            }
        }
    }

    private void Remember(Slot slot)
    {
        if (!IsSlow(slot))
        {
            _slow.Remove(slot.Domain);
            return;
        }

        _slow[slot.Domain] = time.GetTimestamp();
        foreach (var (domain, ended) in _slow)
        {
            if (time.GetElapsedTime(ended) >= Memory)
            {
                _slow.Remove(domain);
            }
        }
    }

    private void Distribute()
    {
        for (var node = _waiters.First; node is not null && _used.Count < _size;)
        {
            var next = node.Next;
            if (MayHave(node.Value.Domain))
            {
                _waiters.Remove(node);
                node.Value.Turn.SetResult(Give(node.Value.Domain));
            }

            node = next;
        }
    }

    private void EndDrain()
    {
        if (_used.Count == 0)
        {
            _drained?.TrySetResult();
        }
    }

    private sealed class Slot(ConnectionSlots slots, string domain, long since) : IDisposable
    {
        public string Domain => domain;

        public long Since => since;

        public void Dispose() => slots.Release(this);
    }

    private sealed class Waiter(string domain)
    {
        public string Domain => domain;

        public TaskCompletionSource<IDisposable> Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
