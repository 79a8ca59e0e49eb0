namespace Orders.Bench.UnderTest;

/// <summary>Workers that share a queue, warm.</summary>
internal sealed class WorkerGroup : IAsyncDisposable
{
    private readonly SystemUnderTest _system;
    private readonly RunningProgram _api;
    private readonly List<RunningProgram> _workers = [];

    private WorkerGroup(SystemUnderTest system, RunningProgram api) => (_system, _api) = (system, api);

    /// <summary>How many they are.</summary>
    public int Size => _workers.Count;

    /// <summary>The processor time that all of them have used until now.</summary>
    public TimeSpan ProcessorTime => _workers.Aggregate(TimeSpan.Zero, (sum, worker) => sum + worker.ProcessorTime);

    /// <summary>Starts the workers, and has each of them send emails until it is as fast as it gets.</summary>
    /// <param name="system">Where they work.</param>
    /// <param name="api">The API there, which places the orders.</param>
    /// <param name="workers">How many.</param>
    /// <param name="settings">Settings of the workers beside the defaults, by the names of their environment variables.</param>
    public static async Task<WorkerGroup> StartAsync(SystemUnderTest system, RunningProgram api, int workers, params (string Name, string Value)[] settings)
    {
        var group = new WorkerGroup(system, api);
        for (var worker = 0; worker < workers; worker++)
        {
            group._workers.Add(await system.StartWorkerAsync(settings));
        }

        await system.WarmUpAsync(api, workers * SystemUnderTest.WarmUpOrders);
        return group;
    }

    /// <inheritdoc cref="SystemUnderTest.WorkOffAsync"/>
    public Task<TimeSpan> WorkOffAsync(int orders) => _system.WorkOffAsync(_api, orders);

    /// <summary>How many they are, in words.</summary>
    public override string ToString() => Size == 1 ? "1 worker" : $"{Size} workers";

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers)
        {
            await worker.DisposeAsync();
        }
    }
}
