using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Notifications.Worker.Ledger;

/// <summary>Tells of a store that cannot be reached. The program itself is well, and does what its options say.</summary>
internal sealed class LedgerHealthCheck(ValkeyStore store) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(store.IsConnected ? HealthCheckResult.Healthy() : HealthCheckResult.Degraded("ledger unreachable"));
}
