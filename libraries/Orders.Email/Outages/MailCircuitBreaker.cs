using Microsoft.Extensions.Options;
using Orders.Email.Deliveries;

namespace Orders.Email.Outages;

/// <summary>
/// The circuit breaker in front of the mail server, passed by every email of this process. Once the server fails for everybody,
/// the circuit opens: emails wait. After pauses that grow, one email at a time probes whether the server is back (half-open).
/// </summary>
internal sealed class MailCircuitBreaker(IOptions<EmailOptions> options, TimeProvider time) : IDisposable
{
    private const int MostGuilty = 1_000;

    /// <summary>
    /// How many emails an outage may try one after the other without a pause, each of them for the first time: bad ones, on
    /// which the server hangs up, must not keep it from the good ones behind them.
    /// </summary>
    private const int MostFirstTries = 100;

    /// <summary>An email that was taken within this time says that the server takes emails.</summary>
    private static readonly TimeSpan Recently = TimeSpan.FromSeconds(30);

    /// <summary>So long after the circuit opened, the next probe that fails confirms an outage whatever it failed of.</summary>
    private static readonly TimeSpan LongestDoubt = TimeSpan.FromSeconds(3);

    private readonly Lock _lock = new();
    private readonly MailOutageOptions _options = options.Value.Outage;
    private readonly LinkedList<Waiter> _waiters = [];
    // Different emails that failed on a server that had let us in, since one last went through.
    private readonly HashSet<string> _suspects = [];
    // Those among them that another one's success has shown to be to blame themselves.
    private readonly HashSet<string> _guilty = [];
    private TaskCompletionSource _changed = Signal();
    private ITimer? _timer;
    private MailOutage? _outage;
    private bool _isConfirmed;
    private MailAttempt? _probe;
    private bool _isProbeDue;
    private DateTimeOffset _closedSince = DateTimeOffset.MinValue;
    private TimeSpan _pause;
    private long _successes;
    private DateTimeOffset _lastSuccess = DateTimeOffset.MinValue;
    private int _firstTries;
    private bool _triesAtOnce;
    private int _pauses;

    /// <summary>
    /// The outage, once a probe has confirmed it and as long as the circuit is open; a moment's failure is none.
    /// </summary>
    public MailOutage? Outage
    {
        get
        {
            lock (_lock)
            {
                return _isConfirmed ? _outage : null;
            }
        }
    }

    /// <summary>Since when the circuit has been closed, so that emails pass; <c>null</c> while it is open.</summary>
    public DateTimeOffset? ClosedSince
    {
        get
        {
            lock (_lock)
            {
                return _outage is null ? _closedSince : null;
            }
        }
    }

    /// <summary>Completes when <see cref="Outage"/> or <see cref="ClosedSince"/> changes the next time.</summary>
    public Task Changed
    {
        get
        {
            lock (_lock)
            {
                return _changed.Task;
            }
        }
    }

    /// <summary>Lets an email through: at once while the circuit is closed, else in its turn.</summary>
    /// <param name="messageId">The email's <c>Message-ID</c>.</param>
    /// <param name="cancellationToken">Ends the wait; a closed circuit does not look at it.</param>
    /// <returns>
    /// The attempt, which must be given to exactly one of <see cref="Succeed"/>, <see cref="Fail"/> and
    /// <see cref="Abandon"/>, unless <see cref="Resume"/> has ended it.
    /// </returns>
    /// <exception cref="EmailDeferredException">The email has failed before, and is to make room for others that have not been tried yet.</exception>
    public Task<MailAttempt> EnterAsync(string messageId, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_lock)
        {
            if (_outage is null)
            {
                return Task.FromResult(new MailAttempt(messageId, _successes));
            }

            waiter = new Waiter(messageId);
            if (_triesAtOnce && !_isProbeDue && !IsUntried(messageId))
            {
                waiter.MakeRoom();
                return waiter.Turn.Task;
            }

            _waiters.AddLast(waiter);
            if (_isProbeDue || (_triesAtOnce && _probe is null && _firstTries < MostFirstTries && IsUntried(messageId)))
            {
                LetProbeThrough();
            }
        }

        var registration = cancellationToken.UnsafeRegister(_ => GiveUp(waiter, cancellationToken), null);
        _ = waiter.Turn.Task.ContinueWith(_ => registration.Dispose(), TaskScheduler.Default);
        return waiter.Turn.Task;
    }

    /// <summary>
    /// An attempt that had to wait for something else since it was let through begins only now. What others achieved
    /// meanwhile says nothing about it.
    /// </summary>
    /// <returns>Whether it may go on; otherwise the circuit has opened, the attempt is over, and the email is to enter again.</returns>
    public bool Resume(MailAttempt attempt)
    {
        lock (_lock)
        {
            if (_outage is not null && attempt != _probe)
            {
                return false;
            }

            attempt.SuccessesBefore = _successes;
            return true;
        }
    }

    /// <summary>The mail server took the email: it is there.</summary>
    public void Succeed(MailAttempt attempt)
    {
        lock (_lock)
        {
            _successes++;
            _lastSuccess = time.GetUtcNow();
            // They come back if they fail again.
            if (_guilty.Count > MostGuilty)
            {
                _guilty.Clear();
            }

            _guilty.UnionWith(_suspects);
            _guilty.Remove(attempt.MessageId);
            _suspects.Clear();
            Close();
        }
    }

    /// <summary>The email was not sent.</summary>
    /// <returns>
    /// Whether this is the outage's doing, so that the email is to enter again; otherwise the failure is its own.
    /// </returns>
    public bool Fail(MailAttempt attempt, EmailException failure)
    {
        lock (_lock)
        {
            var isProbe = attempt == _probe;
            var isToBeDecided = failure is UnknownOutcomeException;
            if (((failure as UnknownOutcomeException)?.Failure ?? failure) is not MailServerException server)
            {
                _guilty.Remove(attempt.MessageId);
                if (isProbe)
                {
                    // Whoever has an opinion of an email is there.
                    _suspects.Clear();
                    Close();
                }

                return false;
            }

            // Others have got through since: it is there for them.
            if (_outage is null && _successes > attempt.SuccessesBefore)
            {
                return false;
            }

            var isFirstTry = IsUntried(attempt.MessageId);
            if (IsOutage(attempt, server))
            {
                Open(failure);
                if (isProbe)
                {
                    Continue(server);
                }

                attempt.MakesRoom = isFirstTry && server.Evidence == OutageEvidence.Suspicion && _firstTries < MostFirstTries;
                return !isToBeDecided;
            }

            if (isProbe)
            {
                Close();
            }

            return _outage is not null && !isToBeDecided;
        }
    }

    /// <summary>The attempt ended in a way that says nothing about the mail server.</summary>
    public void Abandon(MailAttempt attempt)
    {
        lock (_lock)
        {
            if (attempt == _probe)
            {
                LetProbeThrough();
            }
        }
    }

    public void Dispose() => _timer?.Dispose();

    private static TaskCompletionSource Signal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private bool IsOutage(MailAttempt attempt, MailServerException server)
    {
        if (!server.WasLetIn)
        {
            return true;
        }

        var areEnough = Suspect(attempt.MessageId);
        return server.Evidence == OutageEvidence.Suspicion
            ? areEnough
            : _outage is not null
                || (!_guilty.Contains(attempt.MessageId)
                    && (server.Evidence == OutageEvidence.Proof || time.GetUtcNow() - _lastSuccess >= Recently));
    }

    /// <summary>
    /// A probe has failed. Where the server hangs up on emails, the next one that has not failed yet is tried at once,
    /// whether it is here or comes during the pause that there is otherwise.
    /// </summary>
    private void Continue(MailServerException server)
    {
        _triesAtOnce = server.Evidence == OutageEvidence.Suspicion;
        if (!_triesAtOnce || time.GetUtcNow() - _outage!.Since >= LongestDoubt)
        {
            Confirm();
        }

        if (_triesAtOnce)
        {
            MakeRoom();
        }

        if (_triesAtOnce && _firstTries < MostFirstTries && FirstUntried() is not null)
        {
            LetProbeThrough();
        }
        else
        {
            Pause();
        }
    }

    /// <summary>Sends away all that have failed: a worker holds a few emails at a time, and those that have not failed may be behind them.</summary>
    private void MakeRoom()
    {
        for (var node = _waiters.First; node is not null;)
        {
            var next = node.Next;
            if (!IsUntried(node.Value.MessageId))
            {
                _waiters.Remove(node);
                node.Value.MakeRoom();
            }

            node = next;
        }
    }

    private bool IsUntried(string messageId) => !_suspects.Contains(messageId) && !_guilty.Contains(messageId);

    private LinkedListNode<Waiter>? FirstUntried()
    {
        var waiter = _waiters.First;
        while (waiter is not null && !IsUntried(waiter.Value.MessageId))
        {
            waiter = waiter.Next;
        }

        return waiter;
    }

    /// <returns>Whether there are enough suspects now for the server to be to blame.</returns>
    private bool Suspect(string messageId)
    {
        if (!_guilty.Contains(messageId))
        {
            _suspects.Add(messageId);
        }

        return _suspects.Count >= _options.Suspects;
    }

    private void Open(EmailException failure)
    {
        if (_outage is not null)
        {
            return;
        }

        var now = time.GetUtcNow();
        if (now - _closedSince > _options.LongestPause)
        {
            _pause = TimeSpan.Zero;
        }

        _outage = new MailOutage(now, failure.Message);
        Pause();
        Change();
    }

    private void Close()
    {
        if (_outage is null)
        {
            return;
        }

        _outage = null;
        _isConfirmed = false;
        _probe = null;
        _isProbeDue = false;
        _closedSince = time.GetUtcNow();
        _firstTries = 0;
        _triesAtOnce = false;
        _timer?.Dispose();
        while (_waiters.First is { } first)
        {
            LetThrough(first);
        }

        Change();
    }

    private void Confirm()
    {
        if (!_isConfirmed)
        {
            _isConfirmed = true;
            Change();
        }
    }

    /// <summary>Has the next probe wait, for twice as long as the one before.</summary>
    private void Pause()
    {
        _pause = _pause == TimeSpan.Zero ? _options.FirstPause : _pause * 2;
        if (_pause > _options.LongestPause)
        {
            _pause = _options.LongestPause;
        }

        _probe = null;
        _isProbeDue = false;
        _timer?.Dispose();
        // A timer that is disposed of may be about to fire all the same.
        _timer = time.CreateTimer(pause => EndPause((int)pause!), ++_pauses, _pause, Timeout.InfiniteTimeSpan);
    }

    private void EndPause(int pause)
    {
        lock (_lock)
        {
            if (pause == _pauses && _outage is not null)
            {
                LetProbeThrough();
            }
        }
    }

    /// <summary>
    /// Makes a probe of the email that has waited longest of those that have not failed, or else of all, or else of the first
    /// to come.
    /// </summary>
    private void LetProbeThrough()
    {
        _isProbeDue = _waiters.Count == 0;
        if (_isProbeDue)
        {
            _probe = null;
            return;
        }

        // A pause that was not over is.
        _pauses++;
        var untried = FirstUntried();
        _firstTries += untried is null ? 0 : 1;
        _probe = LetThrough(untried ?? _waiters.First!);
    }

    private MailAttempt LetThrough(LinkedListNode<Waiter> node)
    {
        var waiter = node.Value;
        _waiters.Remove(node);
        var attempt = new MailAttempt(waiter.MessageId, _successes);
        waiter.Turn.SetResult(attempt);
        return attempt;
    }

    private void GiveUp(Waiter waiter, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            // Unless its turn came just now.
            if (_waiters.Remove(waiter))
            {
                waiter.Turn.SetCanceled(cancellationToken);
            }
        }
    }

    private void Change()
    {
        _changed.SetResult();
        _changed = Signal();
    }

    private sealed class Waiter(string messageId)
    {
        public string MessageId { get; } = messageId;

        public TaskCompletionSource<MailAttempt> Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void MakeRoom() => Turn.SetException(new EmailDeferredException(makesRoom: true));
    }
}

/// <summary>One attempt to send an email, begun when the circuit breaker let it through or had it resume.</summary>
/// <param name="messageId">The email's <c>Message-ID</c>.</param>
/// <param name="successesBefore">How many emails had been sent by then.</param>
internal sealed class MailAttempt(string messageId, long successesBefore)
{
    public string MessageId { get; } = messageId;

    public long SuccessesBefore { get; set; } = successesBefore;

    /// <summary>Whether the email is to make room for others that have not been tried yet.</summary>
    public bool MakesRoom { get; set; }
}
