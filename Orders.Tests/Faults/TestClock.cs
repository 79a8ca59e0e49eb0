namespace Orders.Tests.Faults;

/// <summary>A clock that stands still until it is moved, and whose timers fire when they are told to.</summary>
internal sealed class TestClock(DateTimeOffset now) : TimeProvider
{
    private readonly List<TestTimer> _timers = [];
    private readonly TaskCompletionSource _hasTimer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private DateTimeOffset _now = now;

    /// <summary>Completes when the first timer is there to be fired.</summary>
    public Task HasTimer => _hasTimer.Task;

    /// <summary>After which time each timer was to fire, in the order in which they were made.</summary>
    public List<TimeSpan> DueTimes { get; } = [];

    public override DateTimeOffset GetUtcNow() => _now;

    public void Advance(TimeSpan time) => _now += time;

    /// <summary>Fires every timer once that has not fired for its last time.</summary>
    public void Tick() => _timers.ForEach(timer => timer.Fire());

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new TestTimer(() => callback(state), isPeriodic: period != Timeout.InfiniteTimeSpan);
        _timers.Add(timer);
        DueTimes.Add(dueTime);
        _hasTimer.TrySetResult();
        return timer;
    }

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
