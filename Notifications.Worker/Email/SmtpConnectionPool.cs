using System.Collections.Concurrent;
using System.Net;
using System.Net.Mail;
using Microsoft.Extensions.Options;

namespace Notifications.Worker.Email;

/// <summary>
/// The connections to the mail server: at most <see cref="SmtpOptions.PoolSize"/>, the one used last first. Its
/// disposal says QUIT on those that are kept and closes them.
/// </summary>
internal sealed partial class SmtpConnectionPool : IDisposable
{
    private readonly ConcurrentStack<SmtpConnection> _idle = new();
    private readonly SemaphoreSlim _free;
    private readonly SmtpOptions _options;
    private readonly TimeProvider _time;
    private volatile bool _isDisposed;

    public SmtpConnectionPool(IOptions<EmailOptions> options, TimeProvider time, EmailMetrics metrics, ILogger<SmtpConnectionPool> logger)
    {
        _options = options.Value.Smtp;
        _time = time;
        _free = new SemaphoreSlim(_options.PoolSize);

        if (!SmtpConnection.CanReachSocket)
        {
            Log.NoDelayUnavailable(logger);
        }

        metrics.ObserveConnections(used: () => _options.PoolSize - _free.CurrentCount, idle: () => _idle.Count);
    }

    /// <summary>Gives a connection to one user, waiting while all are in use. Hand it back with <see cref="Return"/>.</summary>
    /// <param name="fresh">Whether it must be a new one.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<SmtpConnection> RentAsync(bool fresh, CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken);
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

        _free.Release();
        if (_isDisposed)
        {
            Close();
        }
    }

    public void Dispose()
    {
        _isDisposed = true;
        Close();
    }

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

    private static partial class Log
    {
        [LoggerMessage(2111, LogLevel.Warning, "This runtime's SmtpClient doesn't let its socket be reached: emails go out slowly, about 22 a second and connection")]
        public static partial void NoDelayUnavailable(ILogger logger);
    }
}
