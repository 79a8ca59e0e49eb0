using System.Collections.Concurrent;
using System.Net;
using System.Net.Mail;
using Microsoft.Extensions.Options;
using Notifications.Worker.Messaging;

namespace Notifications.Worker.Email;

/// <summary>
/// The connections to the mail server: at most <see cref="SmtpOptions.PoolSize"/>, the one used last first. A program that
/// stops waits until none is in use. The pool's disposal says QUIT on those that are kept and closes them.
/// </summary>
internal sealed partial class SmtpConnectionPool : IHostedService, IDisposable
{
    /// <summary>How long a stopping program waits for emails that are being sent: until their messages have been given up, and no longer.</summary>
    public static readonly TimeSpan StopTimeout = BusRegistration.StopTimeout + TimeSpan.FromSeconds(1);

    private readonly ConcurrentStack<SmtpConnection> _idle = new();
    private readonly SemaphoreSlim _free;
    private readonly SmtpOptions _options;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _outOfTime = new();
    private readonly CancellationTokenRegistration _stopping;
    private ITimer? _stopTimer;
    private Task? _drained;
    private volatile bool _isDisposed;

    public SmtpConnectionPool(
        IOptions<EmailOptions> options, TimeProvider time, EmailMetrics metrics, IHostApplicationLifetime lifetime, ILogger<SmtpConnectionPool> logger)
    {
        _options = options.Value.Smtp;
        _time = time;
        _free = new SemaphoreSlim(_options.PoolSize);
        _stopping = lifetime.ApplicationStopping.UnsafeRegister(_ => LimitStop(), null);

        if (!SmtpConnection.CanReachSocket)
        {
            Log.NoDelayUnavailable(logger);
        }

        metrics.ObserveConnections(used: () => _options.PoolSize - _free.CurrentCount, idle: () => _idle.Count);
    }

    /// <summary>Is cancelled when the program stops and has waited for <see cref="StopTimeout"/>.</summary>
    public CancellationToken OutOfTime => _outOfTime.Token;

    /// <summary>Waits while all connections are in use, then keeps one free for the caller.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Dispose of it to let others have the connection.</returns>
    public async Task<IDisposable> ReserveAsync(CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken);
        return new Reservation(_free);
    }

    /// <summary>Gives a connection to a caller who has reserved one. Hand it back with <see cref="Return"/>.</summary>
    /// <param name="fresh">Whether it must be a new one.</param>
    public SmtpConnection Rent(bool fresh)
    {
        while (!fresh && _idle.TryPop(out var kept))
        {
            if (kept.IsUsable(_options.IdleTimeout))
            {
                return kept;
            }

            kept.Dispose();
        }

        return Connect();
    }

    /// <summary>Takes a connection back, to be used again only if its last email went through.</summary>
    public void Return(SmtpConnection connection, bool succeeded)
    {
        if (succeeded && !_isDisposed)
        {
            connection.Keep();
            _idle.Push(connection);
        }
        else
        {
            connection.Dispose();
        }

        if (_isDisposed)
        {
            Close();
        }
    }

    Task IHostedService.StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Waits for the emails that are being sent. Nobody may reserve a connection afterwards.</summary>
    /// <remarks>Whoever disposes of a host that has stopped may stop it again.</remarks>
    public Task StopAsync(CancellationToken cancellationToken) => _drained ??= DrainAsync(cancellationToken);

    public void Dispose()
    {
        _isDisposed = true;
        _stopping.Dispose();
        _stopTimer?.Dispose();
        _outOfTime.Dispose();
        Close();
    }

    private async Task DrainAsync(CancellationToken cancellationToken)
    {
        for (var i = 0; i < _options.PoolSize; i++)
        {
            // The host's own time comes last. It is no failure either.
            await _free.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void LimitStop() => _stopTimer = _time.CreateTimer(_ => _outOfTime.Cancel(), null, StopTimeout, Timeout.InfiniteTimeSpan);

    private void Close()
    {
        while (_idle.TryPop(out var connection))
        {
            connection.Dispose();
        }
    }

    private SmtpConnection Connect() => new(
        new SmtpClient(_options.Host, _options.Port)
        {
            EnableSsl = _options.Security == SmtpSecurity.StartTls,
            Credentials = string.IsNullOrEmpty(_options.Username) ? null : new NetworkCredential(_options.Username, _options.Password),
            // The sender keeps the time, together with the cancellation.
            Timeout = int.MaxValue,
        },
        _time);

    private sealed class Reservation(SemaphoreSlim free) : IDisposable
    {
        public void Dispose() => free.Release();
    }

    private static partial class Log
    {
        [LoggerMessage(2111, LogLevel.Warning, "This runtime's SmtpClient doesn't let its socket be reached: emails go out slowly, about 22 a second and connection")]
        public static partial void NoDelayUnavailable(ILogger logger);
    }
}
