using Microsoft.Extensions.Options;
using Orders.Messaging;

namespace Orders.Email.Smtp;

/// <summary>
/// The connections to the mail server: at most <see cref="SmtpOptions.PoolSize"/>, and fewer where the server takes fewer; the
/// one used last first. A program that stops waits until none is in use. The pool's disposal says QUIT on those that are kept
/// and closes them.
/// </summary>
internal sealed partial class SmtpConnectionPool : IHostedService, IDisposable
{
    /// <summary>How long a stopping program waits for emails that are being sent: until their messages have been given up, and no longer.</summary>
    public static readonly TimeSpan StopTimeout = BusRegistration.StopTimeout + TimeSpan.FromSeconds(1);

    /// <summary>For how long the server is asked for no more connections than it took.</summary>
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Stack<SmtpConnection> _idle = new();
    private readonly ConnectionSlots _slots;
    private readonly SmtpOptions _options;
    private readonly SmtpConnector _connector;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _outOfTime = new();
    private readonly CancellationTokenRegistration _stopping;
    private TaskCompletionSource? _freed;
    // Those that are being made; each completes.
    private readonly HashSet<Attempt> _opening = [];
    // Those that there are, until the server has closed them too.
    private int _open;
    private int _most;
    private int _lessons;
    private ITimer? _memory;
    private ITimer? _stopTimer;
    private Task? _drained;
    private bool _isDisposed;

    public SmtpConnectionPool(
        IOptions<EmailOptions> options, SmtpConnector connector, TimeProvider time, EmailMetrics metrics, IHostApplicationLifetime lifetime, ILogger<SmtpConnectionPool> logger)
    {
        _options = options.Value.Smtp;
        _connector = connector;
        _time = time;
        _logger = logger;
        _most = _options.PoolSize;
        _slots = new ConnectionSlots(_options.PoolSize, time);
        _stopping = lifetime.ApplicationStopping.UnsafeRegister(_ => LimitStop(), null);
        metrics.ObserveConnections(used: () => _slots.Used, idle: CountIdle);
    }

    /// <summary>Is cancelled when the program stops and has waited for <see cref="StopTimeout"/>.</summary>
    public CancellationToken OutOfTime => _outOfTime.Token;

    /// <summary>Waits while all connections are in use, or all but one by emails to the same domain, then keeps one free for the caller.</summary>
    /// <param name="email">What is to go over it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Dispose of it to let others have the connection.</returns>
    /// <exception cref="EmailDeferredException">The recipient's domain is slow, and the email is to make room for others.</exception>
    public ValueTask<IDisposable> ReserveAsync(EmailMessage email, CancellationToken cancellationToken) =>
        _slots.TakeAsync(DomainOf(email), cancellationToken);

    /// <summary>Notes that the conversation about an email begins, over a connection that its sender has. Dispose of it when it has ended.</summary>
    public ConnectionSlots.Conversation BeginConversation(EmailMessage email) => _slots.Begin(DomainOf(email));

    /// <summary>
    /// Gives a connection to a caller who has reserved one. Hand it back with <see cref="Return"/>. Where the server has refused
    /// another one beside those that there are, waits for one of them.
    /// </summary>
    /// <param name="fresh">Whether it must be a new one.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MailServerException">There is none to be had.</exception>
    public async Task<SmtpConnection> RentAsync(bool fresh, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (kept, attempt, freed) = Next(fresh);
            if (attempt is not null)
            {
                if (await TryConnectAsync(attempt, cancellationToken) is { } connection)
                {
                    return connection;
                }
            }
            else if (kept is null)
            {
                await freed.WaitAsync(cancellationToken);
            }
            else if (!fresh && kept.IsUsable(_options.IdleTimeout))
            {
                return kept;
            }
            else
            {
                await EndAsync(kept);
            }
        }
    }

    /// <summary>Takes a connection back, to be used again only if it is fit for that.</summary>
    public void Return(SmtpConnection connection)
    {
        var isUsable = connection.IsUsable(_options.IdleTimeout);
        lock (_lock)
        {
            if (isUsable && !_isDisposed)
            {
                _idle.Push(connection);
                Free();
                return;
            }
        }

        _ = EndAsync(connection);
    }

    Task IHostedService.StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Waits for the emails that are being sent. Nobody may reserve a connection afterwards.</summary>
    /// <remarks>Whoever disposes of a host that has stopped may stop it again.</remarks>
    public Task StopAsync(CancellationToken cancellationToken) => _drained ??= _slots.DrainAsync().WaitAsync(cancellationToken).ContinueWith(_ => { }, TaskScheduler.Default);

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
        }

        _stopping.Dispose();
        _stopTimer?.Dispose();
        _memory?.Dispose();
        _outOfTime.Dispose();
        foreach (var connection in _idle)
        {
            connection.Dispose();
        }
    }

    private static string DomainOf(EmailMessage email) => email.To[(email.To.LastIndexOf('@') + 1)..].ToUpperInvariant();

    private void LimitStop() => _stopTimer = _time.CreateTimer(_ => _outOfTime.Cancel(), null, StopTimeout, Timeout.InfiniteTimeSpan);

    /// <summary>
    /// Says how to get a connection: by one that is kept, by making one, or by waiting. One that is kept is given to who wants a
    /// fresh one only to be closed, where there is no room for another.
    /// </summary>
    private (SmtpConnection? Kept, Attempt? Attempt, Task Freed) Next(bool fresh)
    {
        lock (_lock)
        {
            var hasRoom = _open + _opening.Count < _most;
            if (!(fresh && hasRoom) && _idle.TryPop(out var kept))
            {
                return (kept, null, Task.CompletedTask);
            }

            if (hasRoom)
            {
                var attempt = new Attempt(isBesideOthers: _open > 0);
                _opening.Add(attempt);
                return (null, attempt, Task.CompletedTask);
            }

            _freed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return (null, null, _freed.Task);
        }
    }

    /// <returns><c>null</c> where the server takes no other connection beside those that there are.</returns>
    private async Task<SmtpConnection?> TryConnectAsync(Attempt attempt, CancellationToken cancellationToken)
    {
        try
        {
            var connection = await _connector.ConnectAsync(cancellationToken);
            End(attempt, isOpen: true);
            return connection;
        }
        catch (Exception exception)
        {
            End(attempt, isOpen: false);
            // A refused login or a bad certificate is about all connections.
            if (exception is MailServerUnavailableException && await IsOneTooManyAsync(attempt, exception.Message, cancellationToken))
            {
                return null;
            }

            throw;
        }
    }

    private void End(Attempt attempt, bool isOpen)
    {
        lock (_lock)
        {
            _opening.Remove(attempt);
            if (isOpen)
            {
                _open++;
            }
            else
            {
                Free();
            }
        }

        attempt.End();
    }

    /// <summary>
    /// Whether the server has just refused one connection beside others, which may have ended since. Those that were being made
    /// at the same time decide it where there were none yet.
    /// </summary>
    private async Task<bool> IsOneTooManyAsync(Attempt attempt, string reason, CancellationToken cancellationToken)
    {
        Task others;
        lock (_lock)
        {
            others = attempt.IsBesideOthers || _open > 0 ? Task.CompletedTask : Task.WhenAll(_opening.Select(other => other.Ended));
        }

        await others.WaitAsync(cancellationToken);
        lock (_lock)
        {
            if (_open == 0)
            {
                return attempt.IsBesideOthers;
            }

            _most = Math.Min(_open + _opening.Count, _options.PoolSize);
            _slots.Resize(_most);
            _memory?.Dispose();
            _memory = _time.CreateTimer(lesson => Forget((int)lesson!), ++_lessons, Memory, Timeout.InfiniteTimeSpan);
            Log.UsesFewer(_logger, _most, reason);
            return true;
        }
    }

    private void Forget(int lesson)
    {
        lock (_lock)
        {
            // A timer that is disposed of may be about to fire all the same.
            if (lesson == _lessons)
            {
                _most = _options.PoolSize;
                _slots.Resize(_most);
                Free();
            }
        }
    }

    private async Task EndAsync(SmtpConnection connection)
    {
        try
        {
            await connection.CloseAsync();
        }
        finally
        {
            lock (_lock)
            {
                _open--;
                Free();
            }
        }
    }

    private void Free()
    {
        _freed?.SetResult();
        _freed = null;
    }

    private int CountIdle()
    {
        lock (_lock)
        {
            return _idle.Count;
        }
    }

    /// <summary>A connection that is being made.</summary>
    /// <param name="isBesideOthers">Whether there were others when it was begun.</param>
    private sealed class Attempt(bool isBesideOthers)
    {
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool IsBesideOthers => isBesideOthers;

        public Task Ended => _ended.Task;

        public void End() => _ended.SetResult();
    }

    private static partial class Log
    {
        [LoggerMessage(2111, LogLevel.Information, "The mail server takes no more connections than {Count} from this process; it is asked for more in a minute. {Reason}")]
        public static partial void UsesFewer(ILogger logger, int count, string reason);
    }
}
