using System.Diagnostics;
using System.Text.RegularExpressions;
using MassTransit.Logging;
using MassTransit.Monitoring;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Orders.ServiceDefaults.Telemetry;

/// <summary>Traces, metrics and logs of a program.</summary>
public static partial class TelemetryRegistration
{
    /// <summary>Says where telemetry goes. The SDK reads it, and its other variables, by itself.</summary>
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>Which part of the work a process does, in the configuration.</summary>
    private const string Role = "Worker:Role";

    /// <summary>ASP.NET Core's source of activities.</summary>
    private const string AspNetCore = "Microsoft.AspNetCore";

    /// <summary>The sources of the spans on an order's way. RabbitMQ.Client's would double those of MassTransit.</summary>
    internal static readonly string[] Sources = [AspNetCore, DiagnosticHeaders.DefaultListenerName, Activities.SourceName];

    /// <summary>
    /// Has every order carry its trace id from the request to the email. Exports traces, metrics and logs by OTLP where
    /// <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> says so, except where <c>OTEL_TRACES_EXPORTER</c>, <c>OTEL_METRICS_EXPORTER</c>
    /// or <c>OTEL_LOGS_EXPORTER</c> is <c>none</c>; and nothing otherwise.
    /// </summary>
    public static void AddTelemetry(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<TracePropagation>();
        builder.Services.AddSingleton<DistributedContextPropagator, TraceContextPropagator>();
        if (string.IsNullOrWhiteSpace(builder.Configuration[Endpoint]))
        {
            return;
        }

        var program = builder.Environment.ApplicationName;
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource
                .Clear()
                .AddService(KebabCase(program), serviceInstanceId: $"{Environment.MachineName}:{Environment.ProcessId}")
                .AddAttributes(RoleOf(builder.Configuration[Role]))
                .AddTelemetrySdk()
                // Last, as it counts for more: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.
                .AddEnvironmentVariableDetector())
            .WithLogging(null, logging => logging.IncludeFormattedMessage = true)
            // For all three, and of each what there is.
            .UseOtlpExporter();
        if (builder.Exports("TRACES"))
        {
            telemetry.WithTracing(tracing => tracing
                .AddSource(Sources)
                // Orchestrators ask every few seconds.
                .AddAspNetCoreInstrumentation(requests => requests.Filter = http => !http.Request.Path.StartsWithSegments("/health")));
        }

        if (builder.Exports("METRICS"))
        {
            telemetry.WithMetrics(metrics => metrics.AddMeter(MetersOf(program)));
        }

        if (!builder.Exports("LOGS"))
        {
            builder.Logging.AddFilter<OpenTelemetryLoggerProvider>(null, LogLevel.None);
        }
    }

    /// <summary>
    /// Has every answer tell its trace in the header <c>traceparent</c> (https://www.w3.org/TR/trace-context). Belongs
    /// before whatever answers.
    /// </summary>
    public static void UseTelemetry(this WebApplication app)
    {
        app.Services.GetRequiredService<TracePropagation>().Start();
        app.Use(TracePropagation.AnswerAsync);
    }

    /// <summary>Ours, and those of MassTransit and .NET.</summary>
    internal static string[] MetersOf(string program) =>
        [program, Meters.Worker, InstrumentationOptions.MeterName, "System.Runtime", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel"];

    /// <remarks>https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#exporter-selection, which the SDK leaves to us.</remarks>
    private static bool Exports(this WebApplicationBuilder builder, string signal) => builder.Configuration[$"OTEL_{signal}_EXPORTER"] != "none";

    private static string KebabCase(string program) => WordBoundary().Replace(program, "-").ToLowerInvariant();

    private static IEnumerable<KeyValuePair<string, object>> RoleOf(string? role) =>
        string.IsNullOrEmpty(role) ? [] : [new("worker.role", role.ToLowerInvariant())];

    [GeneratedRegex(@"\.|(?<=[a-z])(?=[A-Z])")]
    private static partial Regex WordBoundary();
}
