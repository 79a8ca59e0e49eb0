namespace Notifications.Worker.Email;

/// <summary>
/// Ends an attempt to send as soon as the server takes longer over a step than its option allows. SmtpClient tells
/// nobody when it comes to the next step: that the server let us in is seen only when the time for it is up.
/// </summary>
internal sealed class SmtpDeadline : IDisposable
{
    private readonly Lock _lock = new();
    private readonly SmtpConnection _connection;
    private readonly SmtpAttempt _attempt;
    private readonly SmtpOptions _options;
    private readonly CancellationTokenSource _ending;
    private readonly Timer _timer;
    private Step _step;
    private bool _isDisposed;

    /// <param name="connection">The connection of the attempt.</param>
    /// <param name="attempt">Says when the content is begun.</param>
    /// <param name="options">The time for each step.</param>
    /// <param name="ending">Is cancelled when a step takes too long.</param>
    public SmtpDeadline(SmtpConnection connection, SmtpAttempt attempt, SmtpOptions options, CancellationTokenSource ending)
    {
        _connection = connection;
        _attempt = attempt;
        _options = options;
        _ending = ending;
        _timer = new Timer(static deadline => ((SmtpDeadline)deadline!).Expire(), this, Timeout.Infinite, Timeout.Infinite);
        Begin(connection.IsKept ? Step.Envelope : Step.Connect);
        attempt.ContentBegun += () => Begin(Step.Content);
    }

    private enum Step
    {
        Connect,
        Envelope,
        Content,
    }

    /// <summary>What the server did not do in time.</summary>
    public MailServerUnavailableException Failure => _step switch
    {
        Step.Connect => Missed("answer a new connection", _options.ConnectTimeout),
        Step.Envelope => Missed("ask for the email's content", _options.EnvelopeTimeout),
        _ => Missed("take the email's content", _options.ContentTimeout),
    };

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _timer.Dispose();
        }
    }

    private MailServerUnavailableException Missed(string what, TimeSpan within) =>
        new($"The mail server did not {what} within {within.TotalSeconds:0.###} s.", wasLetIn: _step != Step.Connect)
        {
            IsOutcomeUnknown = _step != Step.Connect && _attempt.ContentWasBegun != false,
        };

    private void Begin(Step step)
    {
        lock (_lock)
        {
            if (!_isDisposed)
            {
                _step = step;
                _timer.Change(
                    step switch
                    {
                        Step.Connect => _options.ConnectTimeout,
                        Step.Envelope => _options.EnvelopeTimeout,
                        _ => _options.ContentTimeout,
                    },
                    Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void Expire()
    {
        lock (_lock)
        {
            if (_isDisposed)
            {
                return;
            }

            if (_step == Step.Connect && _connection.IsGreeted)
            {
                Begin(Step.Envelope);
            }
            else if (_step == Step.Envelope && _attempt.ContentWasBegun is null)
            {
                Begin(Step.Content);
            }
            else
            {
                _ending.Cancel();
            }
        }
    }
}
