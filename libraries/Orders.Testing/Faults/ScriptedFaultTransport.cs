using System.Runtime.CompilerServices;
using Orders.FaultQueues;
using Orders.FaultQueues.Queues;

namespace Orders.Testing.Faults;

/// <summary>A fault queue in memory that does as it is told, and keeps what was done to it. Several sends at once may come.</summary>
/// <param name="effects">Where to write down every effect.</param>
internal sealed class ScriptedFaultTransport(Action<string> effects) : IFaultTransport
{
    private readonly Lock _lock = new();
    private readonly List<FaultMessage> _queue = [];
    private readonly HashSet<FaultMessage> _gone = [];
    private readonly SemaphoreSlim _looks = new(0);

    /// <summary>What is in the queue.</summary>
    public IReadOnlyList<FaultMessage> Queue => _queue;

    /// <summary>What was sent on, and where to.</summary>
    public List<(string Queue, FaultMessage Message)> Sent { get; } = [];

    /// <summary>Makes a send fail.</summary>
    public Func<Exception?> SendFailure { get; set; } = () => null;

    /// <summary>Makes every send of a message fail.</summary>
    public Func<FaultMessage, Exception?> Refusal { get; set; } = _ => null;

    /// <summary>Runs before each look, with its number.</summary>
    public Action<int> Opening { get; set; } = _ => { };

    /// <summary>Runs whenever a message is read, such as to let time pass.</summary>
    public Action Reading { get; set; } = () => { };

    /// <summary>Whether somebody else has the queue.</summary>
    public bool IsTaken { get; set; }

    public int Opened { get; private set; }

    public int Disposed { get; private set; }

    public int MessagesRead { get; private set; }

    public void Add(params IEnumerable<FaultMessage> faults)
    {
        foreach (var fault in faults)
        {
            _queue.Add(fault);
            _gone.Remove(fault);
        }
    }

    /// <summary>Takes messages out, as somebody else would.</summary>
    public void Remove(IEnumerable<FaultMessage> faults)
    {
        foreach (var fault in faults)
        {
            _queue.Remove(fault);
            _gone.Add(fault);
        }
    }

    /// <summary>Waits until the queue's messages are counted once more.</summary>
    public async Task WaitForLookAsync()
    {
        if (!await _looks.WaitAsync(TimeSpan.FromSeconds(10)))
        {
            throw new TimeoutException("Waited in vain for a look at the queue.");
        }
    }

    public Task<long> CountAsync(string queue, CancellationToken cancellationToken)
    {
        var count = _queue.Count;
        _looks.Release();
        return Task.FromResult((long)count);
    }

    public Task<IFaultSession?> OpenAsync(string queue, CancellationToken cancellationToken)
    {
        if (IsTaken)
        {
            return Task.FromException<IFaultSession?>(new FaultQueueBusyException(queue));
        }

        Opened++;
        Opening(Opened);
        return Task.FromResult<IFaultSession?>(new Session(this, effects));
    }

    private sealed class Held(FaultMessage message) : HeldFault(message);

    private sealed class Session(ScriptedFaultTransport transport, Action<string> effects) : IFaultSession
    {
        public long Count { get; } = transport._queue.Count;

        public bool CompletesBeforeNext => false;

        public async IAsyncEnumerable<HeldFault> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
        {
            foreach (var message in transport._queue.ToArray())
            {
                if (transport._gone.Contains(message))
                {
                    continue;
                }

                transport.MessagesRead++;
                transport.Reading();
                yield return new Held(message);
            }

            await Task.CompletedTask;
        }

        public Task SendAsync(HeldFault held, string queue, FaultMessage message, CancellationToken cancellationToken)
        {
            if ((transport.Refusal(message) ?? transport.SendFailure()) is { } failure)
            {
                return Task.FromException(failure);
            }

            lock (transport._lock)
            {
                transport.Sent.Add((queue, message));
            }

            effects($"sent to {queue}");
            return Task.CompletedTask;
        }

        public Task CompleteAsync(HeldFault held, CancellationToken cancellationToken)
        {
            lock (transport._lock)
            {
                transport._queue.Remove(held.Message);
            }

            effects("completed");
            return Task.CompletedTask;
        }

        public ValueTask DisposeAsync()
        {
            transport.Disposed++;
            return ValueTask.CompletedTask;
        }
    }
}
