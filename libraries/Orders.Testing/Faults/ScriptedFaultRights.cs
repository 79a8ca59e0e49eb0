using Orders.FaultQueues.Queues;

namespace Orders.Testing.Faults;

/// <summary>Rights on a broker as a test gives and takes them.</summary>
internal sealed class ScriptedFaultRights : IFaultRights
{
    private readonly SemaphoreSlim _asked = new(0);

    /// <summary>The rights that are missing, whatever the queue.</summary>
    public IReadOnlyList<MissingRight> Missing { get; set; } = [];

    /// <summary>Waits until somebody asks once more.</summary>
    public async Task WaitForQuestionAsync()
    {
        if (!await _asked.WaitAsync(TimeSpan.FromSeconds(10)))
        {
            throw new TimeoutException("Waited in vain for a question about rights.");
        }
    }

    public Task<IReadOnlyList<MissingRight>> FindMissingAsync(FaultQueue queue, CancellationToken cancellationToken, TimeSpan? trust = null)
    {
        _asked.Release();
        return Task.FromResult(Missing);
    }
}
