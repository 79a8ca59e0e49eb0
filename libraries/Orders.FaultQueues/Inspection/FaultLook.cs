namespace Orders.FaultQueues.Inspection;

/// <summary>What a look at a queue found.</summary>
/// <param name="At">When the look began: what came in later is not in it.</param>
/// <param name="Count">How many messages there were.</param>
/// <param name="Items">The oldest of them, at most <see cref="LongestList"/>.</param>
/// <param name="Groups">What all of them are, the largest group first.</param>
public sealed record FaultLook(DateTimeOffset At, long Count, IReadOnlyList<Fault> Items, IReadOnlyList<FaultGroup> Groups)
{
    /// <summary>More lines are not kept: each takes about half a kilobyte.</summary>
    public const int LongestList = 50_000;

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

/// <summary>Makes a look of one message after the other.</summary>
internal sealed class FaultLookBuilder(DateTimeOffset at)
{
    private readonly List<Fault> _items = [];
    private readonly FaultGroups _groups = new();
    private readonly Dictionary<string, string> _texts = [];

    public long Count { get; private set; }

    public void Add(Fault fault)
    {
        Count++;
        _groups.Add(fault);
        if (_items.Count < FaultLook.LongestList)
        {
            // Thousands of messages share a few texts.
            _items.Add(fault with
            {
                ExceptionType = Share(fault.ExceptionType),
                Frame = Share(fault.Frame),
                Group = Share(fault.Group)!,
                Error = Share(fault.Error),
                ParkedReason = Share(fault.ParkedReason),
            });
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
