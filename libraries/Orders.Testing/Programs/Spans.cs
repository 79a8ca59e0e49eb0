using System.Collections.Concurrent;
using System.Diagnostics;
using Orders.Testing.Machine;

namespace Orders.Testing.Programs;

/// <summary>Records every span that ends in this process.</summary>
internal sealed class Spans : IDisposable
{
    private readonly ConcurrentQueue<Activity> _ended = new();
    private readonly ActivityListener _listener;

    public Spans()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "Microsoft.AspNetCore" or "MassTransit" or "Notifications.Worker",
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _ended.Enqueue,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <summary>Those of a trace, in the order in which they ended.</summary>
    public IReadOnlyList<Activity> Of(string traceId) => [.. _ended.Where(span => span.TraceId.ToHexString() == traceId)];

    /// <summary>Waits until so many spans of a name have ended in a trace, and returns these.</summary>
    public async Task<IReadOnlyList<Activity>> WaitForAsync(string traceId, string name, int count = 1) => await Eventually.GetAsync(
        $"{count} spans '{name}' in the trace",
        _ => Task.FromResult<IReadOnlyList<Activity>>([.. Of(traceId).Where(span => span.OperationName == name)]),
        found => found.Count >= count,
        TimeSpan.FromSeconds(30));

    /// <summary>The spans that a span of the same trace is a part of, from the inside out.</summary>
    public IEnumerable<Activity> Around(Activity span)
    {
        var trace = Of(span.TraceId.ToHexString());
        for (var next = Parent(span); next is not null; next = Parent(next))
        {
            yield return next;
        }

        Activity? Parent(Activity of) => trace.FirstOrDefault(other => other.SpanId == of.ParentSpanId);
    }

    public void Dispose() => _listener.Dispose();
}
