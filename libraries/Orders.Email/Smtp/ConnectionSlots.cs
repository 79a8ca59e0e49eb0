namespace Orders.Email.Smtp;

/// <summary>
/// Who may use a connection to the mail server: so many at a time, one fewer for any one domain of recipients, and one fewer
/// for all slow domains together. Domains whose emails the server is slow to take must not keep the connections from others.
/// </summary>
/// <param name="size">How many there are.</param>
/// <param name="time">Says how long a conversation takes.</param>
internal sealed class ConnectionSlots(int size, TimeProvider time)
{
    /// <summary>How long an email waits at least before it makes room for others.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>A domain is slow while the conversation about one of its emails has taken longer, and for a while afterwards.</summary>
    public static readonly TimeSpan Slow = TimeSpan.FromSeconds(2);

    /// <summary>
    /// For how long a domain is slow after a slow conversation, unless an email is taken quickly first; and for how long a quick one
    /// shows that the server is not slow for everybody.
    /// </summary>
    public static readonly TimeSpan Memory = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _waiters = [];
    private readonly List<Slot> _used = [];
    private readonly List<Conversation> _conversations = [];
    // The domains whose last conversation was slow, and when it ended.
    private readonly Dictionary<string, long> _slow = [];
    private long? _lastQuick;
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
    /// <exception cref="EmailDeferredException">The domain is slow, and the email is to make room for others.</exception>
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

                    // What has changed with time alone, nobody was told of.
                    if (exception is TimeoutException && MayHave(domain))
                    {
                        _waiters.Remove(waiter);
                        return Give(domain);
                    }

                    if (IsSlow(domain) || exception is OperationCanceledException)
                    {
                        _waiters.Remove(waiter);
                        throw exception is OperationCanceledException ? exception : new EmailDeferredException(makesRoom: true);
                    }
                }
            }
        }
    }

    /// <summary>Notes that the conversation about an email begins. Dispose of it when it has ended.</summary>
    /// <param name="domain">The recipient's.</param>
    public Conversation Begin(string domain)
    {
        lock (_lock)
        {
            var conversation = new Conversation(this, domain, time.GetTimestamp());
            _conversations.Add(conversation);
            return conversation;
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

    /// <remarks>A server that is slow for everybody has no quick emails that one would have to be kept for.</remarks>
    private bool HasRoomForSlow() =>
        _lastQuick is not { } quick || time.GetElapsedTime(quick) >= Memory || _used.Count(slot => IsSlow(slot.Domain)) < _size - 1;

    private bool IsSlow(string domain) =>
        _conversations.Exists(conversation => conversation.Domain == domain && IsSlow(conversation))
        || (_slow.TryGetValue(domain, out var ended) && time.GetElapsedTime(ended) < Memory);

    private bool IsSlow(Conversation conversation) => time.GetElapsedTime(conversation.Since) > Slow;

    private Slot Give(string domain)
    {
        var slot = new Slot(this, domain);
        _used.Add(slot);
        return slot;
    }

    private void Release(Slot slot)
    {
        lock (_lock)
        {
            if (_used.Remove(slot))
            {
                Distribute();
                EndDrain();
            }
        }
    }

    private void End(Conversation conversation)
    {
        lock (_lock)
        {
            if (!_conversations.Remove(conversation))
            {
                return;
            }

            if (IsSlow(conversation))
            {
                _slow[conversation.Domain] = time.GetTimestamp();
            }
            else if (conversation.IsTaken)
            {
                _slow.Remove(conversation.Domain);
                _lastQuick = time.GetTimestamp();
            }

            foreach (var (domain, ended) in _slow)
            {
                if (time.GetElapsedTime(ended) >= Memory)
                {
                    _slow.Remove(domain);
                }
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

    /// <summary>What is said to the mail server about one email.</summary>
    public sealed class Conversation(ConnectionSlots slots, string domain, long since) : IDisposable
    {
        /// <summary>The recipient's domain.</summary>
        public string Domain => domain;

        /// <summary>When it began.</summary>
        public long Since => since;

        /// <summary>Whether the server has taken the email. What it refuses at once says nothing of how long it takes over others.</summary>
        public bool IsTaken { get; set; }

        public void Dispose() => slots.End(this);
    }

    private sealed class Slot(ConnectionSlots slots, string domain) : IDisposable
    {
        public string Domain => domain;

        public void Dispose() => slots.Release(this);
    }

    private sealed class Waiter(string domain)
    {
        public string Domain => domain;

        public TaskCompletionSource<IDisposable> Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
