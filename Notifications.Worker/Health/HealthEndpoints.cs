using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Notifications.Worker.Health;

/// <summary>The health of a program over HTTP, for orchestrators.</summary>
public static class HealthEndpoints
{
    /// <summary>Adds the health checks; MassTransit adds that of the bus by itself, tagged <c>ready</c>.</summary>
    public static void AddHealth(this IHostApplicationBuilder builder) => builder.Services.AddHealthChecks();

    /// <summary>
    /// Maps <c>/health/live</c>, which answers as long as the process does, and <c>/health/ready</c>, which answers
    /// 200 only while the bus is connected.
    /// </summary>
    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false });
        app.MapHealthChecks("/health/ready", new HealthCheckOptions
        {
            Predicate = check => check.Tags.Contains("ready"),
            // To MassTransit a bus whose connection broke is degraded; to an orchestrator it must not be ready.
            ResultStatusCodes = { [HealthStatus.Degraded] = StatusCodes.Status503ServiceUnavailable },
        });
    }
}
