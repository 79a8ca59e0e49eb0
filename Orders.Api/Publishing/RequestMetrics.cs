using System.Diagnostics.Metrics;

namespace Orders.Api.Publishing;

/// <summary>Counts what becomes of the requests to publish one kind of message, on the meter <c>Orders.Api</c>.</summary>
public abstract class RequestMetrics
{
    private const string MeterName = "Orders.Api";

    private readonly Counter<long> _accepted;
    private readonly Counter<long> _repeated;
    private readonly Counter<long> _refused;
    private readonly string _done;

    /// <param name="meters">Makes the meter.</param>
    /// <param name="name">What the names of the metrics begin with.</param>
    /// <param name="one">What one of them is called, which is the unit.</param>
    /// <param name="many">What several of them are called.</param>
    /// <param name="done">What was done to those that were accepted.</param>
    private protected RequestMetrics(IMeterFactory meters, string name, string one, string many, string done)
    {
        _done = done;
        var meter = meters.Create(MeterName);
        _accepted = meter.CreateCounter<long>($"{name}.accepted", $"{{{one}}}", $"{many} that were {done} and answered with 202.");
        _repeated = meter.CreateCounter<long>($"{name}.repeated", $"{{{one}}}", $"{many} that had been {done} already and were answered with 202 again.");
        _refused = meter.CreateCounter<long>($"{name}.refused", $"{{{one}}}", $"{many} that were answered with anything else.");
    }

    /// <summary>Counts what the broker has safe.</summary>
    public void Accept() => _accepted.Add(1);

    /// <summary>Counts what was sent again.</summary>
    public void Repeat() => _repeated.Add(1);

    /// <summary>Counts what was refused.</summary>
    public void Refuse(Refusal why) => _refused.Add(1, new KeyValuePair<string, object?>("error.type", why switch
    {
        Refusal.Invalid => "invalid",
        Refusal.Conflict => "conflict",
        Refusal.NotPublished => $"not_{_done}",
        Refusal.UnknownOutcome => "unknown_outcome",
        Refusal.RateLimited => "rate_limited",
        _ => throw new ArgumentOutOfRangeException(nameof(why), why, null),
    }));
}

/// <summary>Why a request was refused.</summary>
public enum Refusal
{
    /// <summary>It breaks a rule, or cannot be read.</summary>
    Invalid,

    /// <summary>Something else has its key, or its order another address.</summary>
    Conflict,

    /// <summary>The broker does not have it, and never will.</summary>
    NotPublished,

    /// <summary>The broker may have it.</summary>
    UnknownOutcome,

    /// <summary>Its sender sent too many.</summary>
    RateLimited,
}
