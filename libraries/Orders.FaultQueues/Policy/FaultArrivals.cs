using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Orders.FaultQueues.Policy;

/// <summary>
/// When faults came into the error queue, by this process's clock. The time on a message is that of the worker where it
/// failed, whose clock may be wrong.
/// </summary>
/// <remarks>
/// A fault arrived when somebody of this process saw it first: at most one period of the job too late, never too early. What
/// lies there at the first look after a start has lain there for an unknown time. Its own time counts then, unless that is in
/// the future; so a restart does not begin every wait anew.
/// </remarks>
/// <param name="clock">The clock.</param>
/// <param name="most">How many are remembered; a million takes about 60 MiB. What is beyond goes by its own time.</param>
internal sealed class FaultArrivals(TimeProvider clock, int most = 1_000_000)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, Arrival> _arrivals = [];
    private int _look;

    /// <summary>How many are remembered.</summary>
    internal int Count
    {
        get
        {
            lock (_lock)
            {
                return _arrivals.Count;
            }
        }
    }

    /// <summary>When a fault arrived, which is now if nobody has seen it before; never in the future.</summary>
    public DateTimeOffset Of(FaultMessage fault)
    {
        var key = BinaryPrimitives.ReadUInt64LittleEndian(fault.Hash);
        lock (_lock)
        {
            if (_arrivals.Count >= most && !_arrivals.ContainsKey(key))
            {
                return OwnTimeOf(fault);
            }

            ref var arrival = ref CollectionsMarshal.GetValueRefOrAddDefault(_arrivals, key, out var wasSeen);
            arrival = new Arrival(wasSeen ? arrival.At : _look == 0 ? OwnTimeOf(fault) : clock.GetUtcNow(), _look);
            return arrival.At;
        }
    }

    /// <summary>Ends a look at the queue.</summary>
    /// <param name="sawAll">
    /// Whether it saw the whole queue: what nobody has seen since the last call is forgotten then. A count of 0 does not
    /// tell that, as the broker does not count what somebody holds.
    /// </param>
    public void EndLook(bool sawAll)
    {
        lock (_lock)
        {
            if (sawAll)
            {
                ForgetUnseen();
            }

            _look++;
        }
    }

    private void ForgetUnseen()
    {
        foreach (var (key, arrival) in _arrivals)
        {
            if (arrival.Look != _look)
            {
                _arrivals.Remove(key);
            }
        }
    }

    private DateTimeOffset OwnTimeOf(FaultMessage fault)
    {
        var now = clock.GetUtcNow();
        return fault.FailedAt < now ? fault.FailedAt.Value : now;
    }

    private readonly record struct Arrival(DateTimeOffset At, int Look);
}
