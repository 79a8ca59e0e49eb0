namespace Notifications.Worker.Email;

/// <summary>
/// A thread for what blocks, begun with the first of it. The pool's threads are few, and are added slowly to those that wait;
/// and where many of them are allowed, each piece of work wakes one more.
/// </summary>
internal sealed class OwnThread(string name) : IDisposable
{
    private readonly object _lock = new();
    private Thread? _thread;
    private Task? _next;
    private bool _isDisposed;

    /// <summary>
    /// Runs an action, for one caller at a time: the next one may come when the last action has ended. Whoever awaits it goes
    /// on by this thread as well: to wake another one would take longer than what is left to do until the next await.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The thread has ended.</exception>
    public Task RunAsync(Action action)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_thread is null)
            {
                _thread = new Thread(Run) { IsBackground = true, Name = name };
                _thread.UnsafeStart();
            }

            _next = new Task(action);
            Monitor.Pulse(_lock);
            return _next;
        }
    }

    /// <summary>Ends the thread after what it was given so far, without waiting for it.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            Monitor.Pulse(_lock);
        }
    }

    private void Run()
    {
        while (Take() is { } task)
        {
            task.RunSynchronously();
        }
    }

    private Task? Take()
    {
        lock (_lock)
        {
            while (_next is null && !_isDisposed)
            {
                Monitor.Wait(_lock);
            }

            var task = _next;
            _next = null;
            return task;
        }
    }
}
