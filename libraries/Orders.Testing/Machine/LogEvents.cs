namespace Orders.Testing.Machine;

/// <summary>Every log event of the programs under test, exceptions included; to be awaited as signals.</summary>
public sealed class LogEvents : ILoggerProvider
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(20);

    private readonly Lock _lock = new();
    private readonly List<(string Category, int Id, LogLevel Level, string Message)> _events = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IReadOnlyList<(string Category, int Id, LogLevel Level, string Message)> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _events];
            }
        }
    }

    public IReadOnlyList<string> At(LogLevel level) => [.. All.Where(entry => entry.Level == level).Select(entry => entry.Message)];

    public IReadOnlyList<string> Of<TCategory>(int id) =>
        [.. All.Where(entry => entry.Category == CategoryOf<TCategory>() && entry.Id == id).Select(entry => entry.Message)];

    /// <summary>Waits until a class has logged an event so many times.</summary>
    public async Task<IReadOnlyList<string>> WaitFor<TCategory>(int id, int count = 1, TimeSpan? timeout = null)
    {
        using var timer = new CancellationTokenSource(timeout ?? DefaultTimeout);
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                changed = _changed.Task;
            }

            var found = Of<TCategory>(id);
            if (found.Count >= count)
            {
                return found;
            }

            try
            {
                await changed.WaitAsync(timer.Token);
            }
            catch (OperationCanceledException)
            {
                var log = string.Join('\n', All.Where(entry => entry.Level >= LogLevel.Information && !entry.Category.StartsWith("MassTransit", StringComparison.Ordinal)).Select(entry => $"  {entry.Category}: {entry.Message}").TakeLast(40));
                throw new TimeoutException($"Waited in vain for {count} events {id} of {typeof(TCategory).Name}, there were {found.Count}. The log ends:\n{log}");
            }
        }
    }

    // The type arguments of a class are no part of its category.
    private static string CategoryOf<T>() => typeof(T).FullName!.Split('`')[0];

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
    }

    private sealed class Logger(LogEvents events, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (events._lock)
            {
                events._events.Add((category, eventId.Id, logLevel, $"{formatter(state, exception)} {exception}".TrimEnd()));
                events._changed.TrySetResult();
                events._changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }
}
