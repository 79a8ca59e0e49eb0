using System.Diagnostics;

namespace Orders.ServiceDefaults.Telemetry;

/// <summary>The spans of our own, beside those of MassTransit. None of them names a customer.</summary>
public static class Activities
{
    /// <summary>The name of <see cref="Source"/>. Other systems rely on it.</summary>
    public const string SourceName = "Notifications.Worker";

    /// <summary>Begins them.</summary>
    public static ActivitySource Source { get; } = new(SourceName);

    /// <summary>The trace that the running work belongs to, in 32 hexadecimal digits; <c>null</c> where it belongs to none.</summary>
    public static string? CurrentTraceId => Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity ? activity.TraceId.ToHexString() : null;

    /// <summary>Notes that what a span covers has failed.</summary>
    /// <param name="activity">The span.</param>
    /// <param name="failure">Why. Its message must not hold an address.</param>
    public static void Fail(this Activity activity, Exception failure) =>
        activity.SetTag("error.type", failure.GetType().FullName).SetStatus(ActivityStatusCode.Error, failure.Message);
}
