using System.Diagnostics.Metrics;
using Orders.ServiceDefaults.Telemetry;

namespace Notifications.Worker.OrderConfirmation;

/// <summary>Measures how long customers wait for their confirmation.</summary>
public sealed class OrderConfirmationMetrics
{
    private readonly Histogram<double> _duration;

    public OrderConfirmationMetrics(IMeterFactory meters) =>
        _duration = meters.CreateForWorker().CreateHistogram(
            "order.confirmation.duration",
            "s",
            "Time from an order to the mail server's acceptance of its confirmation.",
            advice: new InstrumentAdvice<double>
            {
                // From a moment, over an outage of the mail server, to a replay from parking on the next day.
                HistogramBucketBoundaries = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400],
            });

    /// <summary>Notes that a confirmation was sent. A clock that is behind the one that placed the order makes no wait of less than nothing.</summary>
    /// <param name="sinceOrder">The time from the order until now.</param>
    public void Confirm(TimeSpan sinceOrder) => _duration.Record(Math.Max(0, sinceOrder.TotalSeconds));
}
