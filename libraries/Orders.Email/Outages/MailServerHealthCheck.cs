using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Orders.Email.Outages;

/// <summary>Tells of an outage of the mail server. The worker itself is well, and works as it should.</summary>
internal sealed class MailServerHealthCheck(MailCircuitBreaker breaker) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(breaker.Outage is { } outage
            ? HealthCheckResult.Degraded($"mail server unreachable since {outage.Since.UtcDateTime:O}")
            : HealthCheckResult.Healthy());
}
