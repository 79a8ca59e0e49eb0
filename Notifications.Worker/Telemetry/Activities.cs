using System.Diagnostics;
using Notifications.Worker.Faults;
using Notifications.Worker.OrderConfirmation;

namespace Notifications.Worker.Telemetry;

/// <summary>The spans of the worker's own, beside those of MassTransit. None of them names a customer.</summary>
internal static class Activities
{
    /// <summary>The name of their source.</summary>
    public const string SourceName = "Notifications.Worker";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>The trace that the running work belongs to, in 32 hexadecimal digits; <c>null</c> where it belongs to none.</summary>
    public static string? CurrentTraceId => Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity ? activity.TraceId.ToHexString() : null;

    /// <summary>Begins the span of a conversation with the mail server.</summary>
    public static Activity? StartSmtp(string server, int port)
    {
        var activity = Source.StartActivity("smtp send", ActivityKind.Client);
        activity?.SetTag("server.address", server).SetTag("server.port", port);
        return activity;
    }

    /// <summary>
    /// Begins the span of what is done about a fault. It goes on with the trace of the order, and is linked to that of the
    /// request by which a person asked for it.
    /// </summary>
    /// <param name="what">What is done, in a word.</param>
    /// <param name="fault">The fault.</param>
    public static Activity? StartOnFault(string what, FaultMessage fault)
    {
        var asked = Activity.Current;
        return Source.StartActivity(
            $"{OrderConfirmationEndpoint.Queue} {what}",
            ActivityKind.Producer,
            fault.Trace ?? default,
            links: asked is null ? null : [new ActivityLink(asked.Context)]);
    }

    /// <summary>Notes that it failed.</summary>
    /// <param name="activity">The span.</param>
    /// <param name="failure">Why. Its message must not hold an address.</param>
    public static void Fail(this Activity activity, Exception failure) =>
        activity.SetTag("error.type", failure.GetType().FullName).SetStatus(ActivityStatusCode.Error, failure.Message);
}
