using System.Diagnostics;
using Orders.ServiceDefaults.Telemetry;

namespace Orders.FaultQueues;

/// <summary>The spans of what is done about faults.</summary>
internal static class FaultActivities
{
    /// <summary>
    /// Begins the span of what is done about a fault. It goes on with the trace of the order, and is linked to that of the
    /// request by which a person asked for it.
    /// </summary>
    /// <param name="endpoint">Whose fault it is.</param>
    /// <param name="what">What is done, in a word.</param>
    /// <param name="fault">The fault.</param>
    public static Activity? Start(FaultEndpoint endpoint, string what, FaultMessage fault)
    {
        var asked = Activity.Current;
        return Activities.Source.StartActivity(
            $"{endpoint.Queue} {what}",
            ActivityKind.Producer,
            fault.Trace ?? default,
            links: asked is null ? null : [new ActivityLink(asked.Context)]);
    }
}
