using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Orders.ServiceDefaults.Health;

/// <summary>The health of a program over HTTP: one word for orchestrators, everything for an operator.</summary>
public static class HealthEndpoints
{
    /// <summary>Where a program tells its operators how it is.</summary>
    public const string DetailsPath = "/health/details";

    // What a program needs in order to work. Other checks only tell.
    private const string Needed = "ready";

    /// <summary>Adds the health checks; MassTransit adds that of the bus by itself, tagged <c>ready</c>.</summary>
    public static void AddHealth(this IHostApplicationBuilder builder) => builder.Services.AddHealthChecks();

    /// <summary>
    /// Maps <c>/health/live</c>, which answers as long as the process does; <c>/health/ready</c>, which answers 200 only
    /// while the bus is connected; and, for an operator who has signed in, <c>/health/details</c>, which answers like the
    /// latter and tells of every check, also of those that are no reason to restart the program:
    /// <c>{"status":"Degraded","checks":{"mail-server":{"status":"Degraded","description":"…"}}}</c>.
    /// </summary>
    /// <param name="app">The program.</param>
    /// <param name="detailsPolicy">The authorization policy of those who may ask for the details.</param>
    public static void MapHealth(this IEndpointRouteBuilder app, string detailsPolicy)
    {
        // An orchestrator that is refused takes the program for dead.
        app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false }).DisableRateLimiting();
        app.MapHealthChecks("/health/ready", new HealthCheckOptions
        {
            // Names and descriptions of checks say what the program is connected to.
            ResponseWriter = (context, report) =>
                TypedResults.Text(SetStatusCode(context, report) ? $"{report.Status}" : $"{HealthStatus.Unhealthy}").ExecuteAsync(context),
        }).DisableRateLimiting();
        app.MapHealthChecks(DetailsPath, new HealthCheckOptions
        {
            ResponseWriter = (context, report) =>
            {
                SetStatusCode(context, report);
                return context.Response.WriteAsJsonAsync(new HealthReply(
                    report.Status, report.Entries.ToDictionary(entry => entry.Key, entry => new CheckReply(entry.Value.Status, entry.Value.Description))));
            },
        }).RequireAuthorization(detailsPolicy);
    }

    /// <summary>Says by the status code whether the program is ready, and returns it.</summary>
    private static bool SetStatusCode(HttpContext context, HealthReport report)
    {
        // To MassTransit a bus whose connection broke is degraded; to an orchestrator it must not be ready.
        var isReady = report.Entries.Values.All(entry => entry.Status == HealthStatus.Healthy || !entry.Tags.Contains(Needed));
        context.Response.StatusCode = isReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return isReady;
    }

    private sealed record HealthReply(
        [property: JsonConverter(typeof(JsonStringEnumConverter<HealthStatus>))] HealthStatus Status, IReadOnlyDictionary<string, CheckReply> Checks);

    private sealed record CheckReply(
        [property: JsonConverter(typeof(JsonStringEnumConverter<HealthStatus>))] HealthStatus Status, string? Description);
}
