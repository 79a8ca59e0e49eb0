using System.Diagnostics;
using Orders.ServiceDefaults.Telemetry;

namespace Orders.Email;

/// <summary>The spans of emails.</summary>
internal static class EmailActivities
{
    /// <summary>Begins the span of a conversation with the mail server.</summary>
    public static Activity? StartSmtp(string server, int port)
    {
        var activity = Activities.Source.StartActivity("smtp send", ActivityKind.Client);
        activity?.SetTag("server.address", server).SetTag("server.port", port);
        return activity;
    }
}
