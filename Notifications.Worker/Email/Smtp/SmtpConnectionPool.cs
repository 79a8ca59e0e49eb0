using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Options;
using Notifications.Worker.Messaging;

namespace Notifications.Worker.Email.Smtp;

/// <summary>
/// The connections to the mail server: at most <see cref="SmtpOptions.PoolSize"/>, and fewer where the server takes fewer; the
/// one used last first. A program that stops waits until none is in use. The pool's disposal says QUIT on those that are kept
/// and closes them.
/// </summary>
internal sealed class SmtpConnectionPool : IHostedService, IDisposable
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
    private readonly CancellationTokenSource _outOfTime = new();
    private readonly CancellationTokenRegistration _stopping;
    private TaskCompletionSource? _freed;
    // Those that are being made; each completes.
    private readonly HashSet<Attempt> _opening = [];
    // Those that there are, until the server has closed them too.
    private int _open;
    private int _most = int.MaxValue;
    private ITimer? _memory;
    private ITimer? _stopTimer;
    private Task? _drained;
    private bool _isDisposed;

    public SmtpConnectionPool(
        IOptions<EmailOptions> options, SmtpConnector connector, TimeProvider time, EmailMetrics metrics, IHostApplicationLifetime lifetime)
    {
        _options = options.Value.Smtp;
        _connector = connector;
        _time = time;
        _slots = new ConnectionSlots(_options.PoolSize, time);
        _stopping = lifetime.ApplicationStopping.UnsafeRegister(_ => LimitStop(), null);
        metrics.ObserveConnections(used: () => _slots.Used, idle: CountIdle);
    }

    /// <summary>Is cancelled when the program stops and has waited for <see cref="StopTimeout"/>.</summary>
    public CancellationToken OutOfTime => _outOfTime.Token;

    /// <summary>Waits while all connections are in use, or all but one by the same domain, then keeps one free for the caller.</summary>
    /// <inheritdoc cref="ConnectionSlots.TakeAsync"/>
    public ValueTask<IDisposable> ReserveAsync(string domain, CancellationToken cancellationToken) => _slots.TakeAsync(domain, cancellationToken);

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
            if (TakeIdle() is { } kept)
            {
                if (!fresh)
                {
                    return kept;
                }

                // The others may be closed as well.
                End(kept);
            }
            else if (TryBegin(out var attempt, out var freed))
            {
                if (await TryConnectAsync(attempt, cancellationToken) is { } connection)
                {
                    return connection;
                }
            }
            else
            {
                await freed.WaitAsync(cancellationToken);
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

        End(connection);
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

    private void LimitStop() => _stopTimer = _time.CreateTimer(_ => _outOfTime.Cancel(), null, StopTimeout, Timeout.InfiniteTimeSpan);

    /// <summary>Begins to make a connection, unless the server has refused as many.</summary>
    /// <param name="attempt">Stands for the connection while it is being made.</param>
    /// <param name="freed">Where it has: completes when a connection is given back or closed.</param>
    private bool TryBegin([NotNullWhen(true)] out Attempt? attempt, out Task freed)
    {
        lock (_lock)
        {
            if (_open + _opening.Count >= _most)
            {
                attempt = null;
                freed = (_freed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
                return false;
            }

            attempt = new Attempt(isBesideOthers: _open > 0);
            _opening.Add(attempt);
            freed = Task.CompletedTask;
            return true;
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
            if (exception is MailServerException && await IsOneTooManyAsync(attempt, cancellationToken))
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
    private async Task<bool> IsOneTooManyAsync(Attempt attempt, CancellationToken cancellationToken)
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

            _most = _open + _opening.Count;
            _slots.Resize(_most);
            _memory?.Dispose();
            _memory = _time.CreateTimer(_ => Forget(), null, Memory, Timeout.InfiniteTimeSpan);
            return true;
        }
    }

    private void Forget()
    {
        lock (_lock)
        {
            _most = int.MaxValue;
            _slots.Resize(_options.PoolSize);
            Free();
        }
    }

    private SmtpConnection? TakeIdle()
    {
        while (true)
        {
            SmtpConnection? kept;
            lock (_lock)
            {
                if (!_idle.TryPop(out kept))
                {
                    return null;
                }
            }

            if (kept.IsUsable(_options.IdleTimeout))
            {
                return kept;
            }

            End(kept);
        }
    }

    private void End(SmtpConnection connection) => _ = EndAsync(connection);

    private async Task EndAsync(SmtpConnection connection)
    {
        await connection.CloseAsync();
        lock (_lock)
        {
            _open--;
            Free();
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
}
