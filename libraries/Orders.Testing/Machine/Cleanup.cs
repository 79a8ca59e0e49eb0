namespace Orders.Testing.Machine;

/// <summary>
/// What a fixture has started. A set-up that ends early, because something is missing or fails, leaves fields unset; a
/// tear-down that goes by this disposes of what was started, and of nothing else.
/// </summary>
/// <example>
/// <code>
/// private readonly Cleanup _cleanup = new();
///
/// [SetUp]
/// public async Task StartAsync() => _valkey = _cleanup.Add(await ValkeyServer.StartNewAsync());
///
/// [TearDown]
/// public Task StopAsync() => _cleanup.RunAsync();
/// </code>
/// </example>
public sealed class Cleanup
{
    private readonly Stack<Func<ValueTask>> _steps = [];

    /// <summary>Disposes of an object when <see cref="RunAsync"/> is called.</summary>
    /// <returns>The same object.</returns>
    public T Add<T>(T started)
        where T : notnull
    {
        _steps.Push(async () =>
        {
            if (started is IAsyncDisposable disposable)
            {
                await disposable.DisposeAsync();
            }
            else
            {
                ((IDisposable)started).Dispose();
            }
        });
        return started;
    }

    /// <summary>Does something when <see cref="RunAsync"/> is called.</summary>
    public void Add(Func<Task> step) => _steps.Push(async () => await step());

    /// <summary>Does all of it, the last first, and forgets it.</summary>
    public async Task RunAsync()
    {
        while (_steps.TryPop(out var step))
        {
            await step();
        }
    }
}
