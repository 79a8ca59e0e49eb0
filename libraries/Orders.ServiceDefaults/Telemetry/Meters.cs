using System.Diagnostics.Metrics;

namespace Orders.ServiceDefaults.Telemetry;

/// <summary>The meter of the libraries and the worker, whichever program hosts them.</summary>
public static class Meters
{
    /// <summary>The meter's name.</summary>
    public const string Worker = "Notifications.Worker";

    /// <summary>The meter itself: the same one for everybody who asks the same factory.</summary>
    public static Meter CreateForWorker(this IMeterFactory meters) => meters.Create(Worker);
}
