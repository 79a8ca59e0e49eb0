using System.Diagnostics.Metrics;
using Orders.ServiceDefaults.Telemetry;

namespace Notifications.Worker.Pipeline;

/// <summary>Measures how long customers wait for the emails of a notification.</summary>
internal sealed class NotificationMetrics<TMessage>
    where TMessage : class
{
    private readonly KeyValuePair<string, object?> _notification;
    private readonly Histogram<double> _duration;
    private readonly Histogram<double>? _ownDuration;

    public NotificationMetrics(Notification<TMessage> notification, IMeterFactory meters)
    {
        var meter = meters.CreateForWorker();
        _notification = new("notification", notification.Name);
        _duration = Create("notification.duration", "Time from what happened until the mail server took the email about it.");
        _ownDuration = notification.OwnDuration is { } own ? Create(own.Name, own.Description) : null;

        Histogram<double> Create(string name, string description) => meter.CreateHistogram(
            name,
            "s",
            description,
            advice: new InstrumentAdvice<double>
            {
                // From a moment, over an outage of the mail server, to a replay from parking on the next day.
                HistogramBucketBoundaries = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400],
            });
    }

    /// <summary>Notes that an email was sent. A clock that is behind the one that wrote the message makes no wait of less than nothing.</summary>
    /// <param name="waited">The time from what happened until now.</param>
    public void Send(TimeSpan waited)
    {
        var seconds = Math.Max(0, waited.TotalSeconds);
        _duration.Record(seconds, _notification);
        _ownDuration?.Record(seconds);
    }
}

/// <summary>A histogram of seconds.</summary>
/// <param name="Name">Its name. Other systems rely on it.</param>
/// <param name="Description">What it says.</param>
internal sealed record DurationMetric(string Name, string Description);
