using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Orders.Ledger;

/// <summary>
/// Tells of a store that cannot be reached or takes no entries: it writes one, since a server that answers may still refuse to
/// write. The program itself is well, and does what its options say.
/// </summary>
internal sealed class LedgerHealthCheck(ValkeyStore store) : IHealthCheck
{
    /// <summary>Less than an orchestrator waits: one that gets no answer in time takes the program for dead.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await store.TryWriteAsync().WaitAsync(Patience, cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (LedgerUnreachableException failure)
        {
            return HealthCheckResult.Degraded(failure.Message);
        }
        catch (TimeoutException)
        {
            // What becomes of the write is known to the next check.
            return HealthCheckResult.Degraded(store.Problem ?? $"The ledger did not answer within {Patience.TotalSeconds} s.");
        }
    }
}
