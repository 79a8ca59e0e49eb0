namespace Orders.Testing.Machine;

/// <summary>A clock that stands still until it is moved, and whose timers fire when they are told to.</summary>
internal sealed class TestClock(DateTimeOffset now) : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<TestTimer> _timers = [];
    private TaskCompletionSource _hasTimer = NewSignal();
    private DateTimeOffset _now = now;

    /// <summary>Completes when a timer is there that was made since the last <see cref="Tick"/>.</summary>
    public Task HasTimer
    {
        get
        {
            lock (_lock)
            {
                return _hasTimer.Task;
            }
        }
    }

    /// <summary>After which time each timer was to fire, in the order in which they were made.</summary>
    public List<TimeSpan> DueTimes { get; } = [];

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => _now;

    public override long GetTimestamp() => _now.UtcTicks;

    public void Advance(TimeSpan time) => _now += time;

    /// <summary>Fires every timer once that has not fired for its last time.</summary>
    public void Tick()
    {
        List<TestTimer> timers;
        lock (_lock)
        {
            timers = [.. _timers];
            _hasTimer = NewSignal();
        }

        timers.ForEach(timer => timer.Fire());
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new TestTimer(() => callback(state), isPeriodic: period != Timeout.InfiniteTimeSpan);
        lock (_lock)
        {
            _timers.Add(timer);
            DueTimes.Add(dueTime);
            _hasTimer.TrySetResult();
        }

        return timer;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class TestTimer(Action fire, bool isPeriodic) : ITimer
    {
        private bool _isOver;

        public void Fire()
        {
            if (!_isOver)
            {
                _isOver = !isPeriodic;
                fire();
            }
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _isOver = false;
            return true;
        }

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
