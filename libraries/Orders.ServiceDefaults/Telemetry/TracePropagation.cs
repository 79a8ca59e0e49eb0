using System.Diagnostics;
using Microsoft.AspNetCore.Http.Features;

namespace Orders.ServiceDefaults.Telemetry;

/// <summary>
/// Has the spans on an order's way be there, with their ids, even where nobody records them: they carry the trace id from
/// the request to the email.
/// </summary>
internal sealed class TracePropagation : IDisposable
{
    private readonly ActivityListener _listener = new()
    {
        ShouldListenTo = source => TelemetryRegistration.Sources.Contains(source.Name),
        // The ids and nothing else, unless a recorder asks for more.
        Sample = (ref _) => ActivitySamplingResult.PropagationData,
    };

    public void Start() => ActivitySource.AddActivityListener(_listener);

    public void Dispose() => _listener.Dispose();

    /// <summary>Writes the trace of a request on its answer, whoever gives that.</summary>
    public static Task AnswerAsync(HttpContext http, RequestDelegate next)
    {
        http.Response.OnStarting(
            static state =>
            {
                var http = (HttpContext)state;
                if (http.Features.Get<IHttpActivityFeature>()?.Activity is { IdFormat: ActivityIdFormat.W3C, Id: { } id })
                {
                    http.Response.Headers.TraceParent = id;
                }

                return Task.CompletedTask;
            },
            http);
        return next(http);
    }
}

/// <summary>
/// Takes the trace from a request and nothing else. What strangers may write into a request's <c>baggage</c> has no
/// business in our messages, where MassTransit would put it.
/// </summary>
internal sealed class TraceContextPropagator : DistributedContextPropagator
{
    private readonly DistributedContextPropagator _w3c = CreateW3CPropagator();

    public override IReadOnlyCollection<string> Fields => _w3c.Fields;

    public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter) => _w3c.Inject(activity, carrier, setter);

    public override void ExtractTraceIdAndState(object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState) =>
        _w3c.ExtractTraceIdAndState(carrier, getter, out traceId, out traceState);

    public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter) => null;
}
