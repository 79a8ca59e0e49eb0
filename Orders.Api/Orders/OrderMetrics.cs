using System.Diagnostics.Metrics;

namespace Orders.Api.Orders;

/// <summary>Counts what becomes of orders, on the meter <c>Orders.Api</c>.</summary>
public sealed class OrderMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Orders.Api";

    private readonly Counter<long> _accepted;
    private readonly Counter<long> _repeated;
    private readonly Counter<long> _refused;

    public OrderMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _accepted = meter.CreateCounter<long>("orders.accepted", "{order}", "Orders that were placed and answered with 202.");
        _repeated = meter.CreateCounter<long>("orders.repeated", "{order}", "Orders that had been placed already and were answered with 202 again.");
        _refused = meter.CreateCounter<long>("orders.refused", "{order}", "Orders that were answered with anything else.");
    }

    /// <summary>Counts an order that the broker has safe.</summary>
    public void Accept() => _accepted.Add(1);

    /// <summary>Counts an order that was sent again.</summary>
    public void Repeat() => _repeated.Add(1);

    /// <summary>Counts an order that was refused.</summary>
    public void Refuse(OrderRefusal why) => _refused.Add(1, new KeyValuePair<string, object?>("error.type", why switch
    {
        OrderRefusal.Invalid => "invalid",
        OrderRefusal.Conflict => "conflict",
        OrderRefusal.NotPlaced => "not_placed",
        OrderRefusal.UnknownOutcome => "unknown_outcome",
        OrderRefusal.RateLimited => "rate_limited",
        _ => throw new ArgumentOutOfRangeException(nameof(why), why, null),
    }));
}

/// <summary>Why an order was refused.</summary>
public enum OrderRefusal
{
    /// <summary>It breaks a rule, or is no order at all.</summary>
    Invalid,

    /// <summary>Another order has its id.</summary>
    Conflict,

    /// <summary>The broker does not have it, and never will.</summary>
    NotPlaced,

    /// <summary>The broker may have it.</summary>
    UnknownOutcome,

    /// <summary>Its sender sent too many.</summary>
    RateLimited,
}
