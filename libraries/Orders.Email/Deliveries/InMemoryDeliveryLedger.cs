using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Orders.Ledger;

namespace Orders.Email.Deliveries;

/// <summary>
/// A ledger that knows of this process's own sends, as long as it lives. It remembers the last
/// <see cref="MostEntries"/> at most.
/// </summary>
internal sealed class InMemoryDeliveryLedger(IOptions<LedgerOptions> options, DeliveryLease lease, TimeProvider time) : IDeliveryLedger
{
    /// <summary>Some 40 MiB.</summary>
    public const int MostEntries = 100_000;

    private readonly Lock _lock = new();
    private readonly LedgerOptions _options = options.Value;
    private readonly Dictionary<UInt128, Entry> _entries = [];
    // Each key that is there, once, the oldest first.
    private readonly Queue<UInt128> _order = new();

    private enum State
    {
        /// <summary>Nobody sends it, and it was not sent.</summary>
        Free,
        Claimed,
        Sent,
        Unknown,
    }

    public Task<DeliveryClaim> ClaimAsync(DeliveryAttempt attempt)
    {
        lock (_lock)
        {
            return Task.FromResult(Claim(attempt, time.GetUtcNow()));
        }
    }

    public Task<bool> IsConflictAsync(DeliveryAttempt attempt)
    {
        lock (_lock)
        {
            return Task.FromResult(_entries.GetValueOrDefault(KeyOf(attempt)).IsOfAnother(attempt));
        }
    }

    public Task RecordSentAsync(DeliveryAttempt attempt)
    {
        lock (_lock)
        {
            var key = KeyOf(attempt);
            var entry = _entries.GetValueOrDefault(key);
            if (entry.State != State.Sent && !entry.IsOfAnother(attempt))
            {
                Set(key, new Entry(State.Sent, time.GetUtcNow(), ContentOf(attempt), attempt.MessageId));
            }
        }

        return Task.CompletedTask;
    }

    public Task RecordFailedAsync(DeliveryAttempt attempt) => EndAsync(attempt, State.Free);

    public Task RecordUnknownAsync(DeliveryAttempt attempt) => EndAsync(attempt, State.Unknown);

    private DeliveryClaim Claim(DeliveryAttempt attempt, DateTimeOffset now)
    {
        Forget(now);
        var key = KeyOf(attempt);
        var entry = _entries.GetValueOrDefault(key);
        if (entry.IsOfAnother(attempt) && (entry.State == State.Sent || !attempt.IsCorrection))
        {
            return new DeliveryClaim.Conflict();
        }

        if (entry.State == State.Sent)
        {
            return new DeliveryClaim.AlreadySent(entry.MessageId!, entry.At);
        }

        if (entry.State == State.Claimed && entry.At + lease.Length > now)
        {
            return new DeliveryClaim.LeasedByOther(entry.At + lease.Length);
        }

        var afterUnknown = entry.State is State.Claimed or State.Unknown;
        var isDecided = attempt.Decision is not null && attempt.Decision != entry.Decision;
        if (afterUnknown && _options.UnknownOutcome == UnknownOutcome.Park && !isDecided)
        {
            if (entry.State == State.Claimed)
            {
                Set(key, entry = entry with { State = State.Unknown, At = now });
            }

            return new DeliveryClaim.UnknownOutcome(entry.At);
        }

        var messageId = entry.MessageId ?? attempt.MessageId;
        Set(key, new Entry(State.Claimed, now, ContentOf(attempt), messageId, attempt.Id, attempt.Decision));
        return new DeliveryClaim.Claimed(afterUnknown, messageId);
    }

    private Task EndAsync(DeliveryAttempt attempt, State state)
    {
        lock (_lock)
        {
            var key = KeyOf(attempt);
            if (_entries.TryGetValue(key, out var entry) && entry.State == State.Claimed && entry.Attempt == attempt.Id)
            {
                Set(key, entry with { State = state, At = time.GetUtcNow() });
            }
        }

        return Task.CompletedTask;
    }

    private void Set(UInt128 key, Entry entry)
    {
        if (!_entries.ContainsKey(key))
        {
            _order.Enqueue(key);
        }

        _entries[key] = entry;
    }

    private void Forget(DateTimeOffset now)
    {
        while (_order.TryPeek(out var key))
        {
            var entry = _entries[key];
            var isOld = entry.At + _options.KeepFor <= now;
            if (!isOld && _order.Count <= MostEntries)
            {
                return;
            }

            _order.Dequeue();
            if (!isOld && entry.State == State.Claimed)
            {
                // Who has it still sends.
                _order.Enqueue(key);
                return;
            }

            _entries.Remove(key);
        }
    }

    private static UInt128 KeyOf(DeliveryAttempt attempt) => HashOf(attempt.Key);

    private static UInt128 ContentOf(DeliveryAttempt attempt) => HashOf(attempt.Content);

    private static UInt128 HashOf(string text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }

    /// <param name="State">What is known.</param>
    /// <param name="At">Since when.</param>
    /// <param name="Content">A hash of what the order says.</param>
    /// <param name="MessageId">The email's <c>Message-ID</c>; <c>null</c> where there is no entry.</param>
    /// <param name="Attempt">Which attempt has it.</param>
    /// <param name="Decision">On the strength of which decision.</param>
    private readonly record struct Entry(
        State State, DateTimeOffset At, UInt128 Content, string? MessageId, Guid Attempt = default, Guid? Decision = null)
    {
        public bool IsOfAnother(DeliveryAttempt attempt) => MessageId is not null && Content != ContentOf(attempt);
    }
}
