namespace Orders.FaultQueues.Inspection;

/// <summary>What a look at a queue found.</summary>
/// <param name="At">When the look began: what came in later is not in it.</param>
/// <param name="Count">How many messages there were.</param>
/// <param name="Items">The oldest of them.</param>
/// <param name="Groups">What all of them are, the largest group first.</param>
public sealed record FaultLook(DateTimeOffset At, long Count, IReadOnlyList<Fault> Items, IReadOnlyList<FaultGroup> Groups)
{
    /// <summary>More lines are not kept of all queues together: each takes about half a kilobyte.</summary>
    public const int MostLines = 150_000;

    /// <summary>So many lines of a queue are kept in any case.</summary>
    public const int LeastLines = 5_000;

    /// <summary>Whether every message has its line.</summary>
    public bool IsWhole => Items.Count == Count;

    /// <summary>The same without messages that have been moved since.</summary>
    public FaultLook Without(IReadOnlyCollection<Fault> moved)
    {
        if (moved.Count == 0)
        {
            return this;
        }

        // Two messages may be alike to the last byte.
        var gone = moved.CountBy(fault => fault.Id).ToDictionary();
        List<Fault> left = [.. Items.Where(fault => !TakeOne(gone, fault.Id))];
        IEnumerable<Fault> known = IsWhole ? Items.Except(left, ReferenceEqualityComparer.Instance).Cast<Fault>() : moved;
        var goneOfGroup = known.CountBy(fault => fault.Group).ToDictionary();
        return new FaultLook(
            At,
            Math.Max(left.Count, Count - goneOfGroup.Values.Sum()),
            left,
            FaultGroups.Sort(Groups
                .Select(group => group with { Count = group.Count - goneOfGroup.GetValueOrDefault(group.Id) })
                .Where(group => group.Count > 0)));
    }

    private static bool TakeOne(Dictionary<string, int> counts, string id)
    {
        if (!counts.TryGetValue(id, out var count) || count == 0)
        {
            return false;
        }

        counts[id] = count - 1;
        return true;
    }
}

/// <summary>Makes a look of one message after the other. Another thread may ask for what there is so far.</summary>
/// <param name="at">When the look began.</param>
/// <param name="mostLines">How many lines are kept.</param>
/// <param name="before">The look before: most of its lines are the same, and both are in memory for a while.</param>
internal sealed class FaultLookBuilder(DateTimeOffset at, int mostLines, FaultLook? before)
{
    private readonly Dictionary<string, Fault> _before = before?.Items.DistinctBy(fault => fault.Id).ToDictionary(fault => fault.Id) ?? [];
    private readonly List<Fault> _items = [];
    private readonly FaultGroups _groups = new();
    private readonly Dictionary<string, string> _texts = [];

    public long Count { get; private set; }

    public void Add(Fault fault)
    {
        Count++;
        _groups.Add(fault);
        if (_items.Count == mostLines)
        {
            return;
        }

        // Thousands of messages share a few texts.
        var line = _before.TryGetValue(fault.Id, out var known) && known == fault ? known : fault with
        {
            ExceptionType = Share(fault.ExceptionType),
            Frame = Share(fault.Frame),
            Group = Share(fault.Group)!,
            Error = Share(fault.Error),
            ParkedReason = Share(fault.ParkedReason),
        };
        lock (_items)
        {
            _items.Add(line);
        }
    }

    /// <summary>The oldest messages, without groups; <c>null</c> where not so many have been read yet.</summary>
    /// <param name="lines">How many.</param>
    /// <param name="count">How many messages there are.</param>
    public FaultLook? Begin(int lines, long count)
    {
        lock (_items)
        {
            return lines <= _items.Count ? new FaultLook(at, count, _items.GetRange(0, lines), []) : null;
        }
    }

    public FaultLook Build() => new(at, Count, _items, _groups.ToList());

    private string? Share(string? text)
    {
        if (text is null)
        {
            return null;
        }

        if (!_texts.TryGetValue(text, out var shared))
        {
            _texts[text] = shared = text;
        }

        return shared;
    }
}
