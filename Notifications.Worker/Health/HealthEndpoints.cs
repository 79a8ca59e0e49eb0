using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Notifications.Worker.Health;

/// <summary>The health of a program over HTTP, for orchestrators.</summary>
public static class HealthEndpoints
{
    /// <summary>Adds the health checks; MassTransit adds that of the bus by itself, tagged <c>ready</c>.</summary>
    public static void AddHealth(this IHostApplicationBuilder builder) => builder.Services.AddHealthChecks();

    // What a program needs in order to work. Other checks only tell.
    private const string Needed = "ready";

    /// <summary>
    /// Maps <c>/health/live</c>, which answers as long as the process does, and <c>/health/ready</c>, which answers
    /// 200 only while the bus is connected. Its body tells of every check, also of those that are no reason to restart
    /// the program: <c>{"status":"Degraded","checks":{"mail-server":{"status":"Degraded","description":"…"}}}</c>.
    /// </summary>
    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false });
        app.MapHealthChecks("/health/ready", new HealthCheckOptions
        {
            ResponseWriter = (context, report) =>
            {
                // To MassTransit a bus whose connection broke is degraded; to an orchestrator it must not be ready.
                var isReady = report.Entries.Values.All(entry => entry.Status == HealthStatus.Healthy || !entry.Tags.Contains(Needed));
                context.Response.StatusCode = isReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
                return context.Response.WriteAsJsonAsync(new HealthReply(
                    report.Status, report.Entries.ToDictionary(entry => entry.Key, entry => new CheckReply(entry.Value.Status, entry.Value.Description))));
            },
        });
    }

    private sealed record HealthReply(
        [property: JsonConverter(typeof(JsonStringEnumConverter<HealthStatus>))] HealthStatus Status, IReadOnlyDictionary<string, CheckReply> Checks);

    private sealed record CheckReply(
        [property: JsonConverter(typeof(JsonStringEnumConverter<HealthStatus>))] HealthStatus Status, string? Description);
}
