using System.Diagnostics.Metrics;
using Orders.ServiceDefaults.Telemetry;

namespace Orders.Email;

/// <summary>Counts emails, and tells how it stands between us and the mail server.</summary>
internal sealed class EmailMetrics
{
    private readonly Meter _meter;
    private readonly Counter<long> _sent;
    private readonly Counter<long> _failed;

    public EmailMetrics(IMeterFactory meters)
    {
        _meter = meters.CreateForWorker();
        _sent = _meter.CreateCounter<long>("emails.sent", "{email}", "Emails that the mail server accepted.");
        _failed = _meter.CreateCounter<long>("emails.failed", "{email}", "Tries to send an email that failed.");
    }

    /// <summary>Counts an email that the mail server accepted.</summary>
    public void Send(EmailMessage email) => _sent.Add(1, NotificationOf(email));

    /// <summary>Counts a try that failed.</summary>
    public void Fail(EmailMessage email, Exception failure) =>
        _failed.Add(1, NotificationOf(email), new("error.type", failure is PermanentEmailException ? "permanent" : "transient"));

    /// <summary>Tells from now on how many connections a pool has.</summary>
    /// <param name="used">Counts those that an email goes over.</param>
    /// <param name="idle">Counts those that are kept for the next one.</param>
    public void ObserveConnections(Func<int> used, Func<int> idle) =>
        _meter.CreateObservableUpDownCounter(
            "smtp.client.connections",
            () => new[] { new Measurement<int>(used(), State("used")), new Measurement<int>(idle(), State("idle")) },
            "{connection}",
            "Connections to the mail server.");

    /// <summary>Tells from now on whether emails have to wait for the mail server.</summary>
    public void ObserveOutage(Func<bool> isOut) =>
        _meter.CreateObservableGauge("mail.outage", () => isOut() ? 1 : 0, "{outage}", "1 while emails wait for the mail server, else 0.");

    private static KeyValuePair<string, object?> State(string state) => new("state", state);

    private static KeyValuePair<string, object?> NotificationOf(EmailMessage email) => new("notification", email.Notification);
}
