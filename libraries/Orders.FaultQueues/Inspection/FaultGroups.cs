namespace Orders.FaultQueues.Inspection;

/// <summary>Groups faults of the same exception from the same place, one fault after the other.</summary>
internal sealed class FaultGroups
{
    private readonly Dictionary<string, FaultGroup> _groups = [];

    public static IReadOnlyList<FaultGroup> Of(IEnumerable<Fault> faults)
    {
        var groups = new FaultGroups();
        foreach (var fault in faults)
        {
            groups.Add(fault);
        }

        return groups.ToList();
    }

    /// <summary>The largest group first.</summary>
    public static IReadOnlyList<FaultGroup> Sort(IEnumerable<FaultGroup> groups) =>
        [.. groups.OrderByDescending(group => group.Count).ThenByDescending(group => group.Last)];

    public void Add(Fault fault) =>
        _groups[fault.Group] = _groups.TryGetValue(fault.Group, out var group)
            ? Add(group, fault)
            : new FaultGroup(fault.Group, fault.ExceptionType, fault.Frame, fault.Error, fault.Kind, 1, fault.FailedAt, fault.FailedAt);

    public IReadOnlyList<FaultGroup> ToList() => Sort(_groups.Values);

    private static FaultGroup Add(FaultGroup group, Fault fault)
    {
        var isNewest = fault.FailedAt >= group.Last || group.Last is null;
        return group with
        {
            Count = group.Count + 1,
            First = fault.FailedAt < group.First ? fault.FailedAt : group.First ?? fault.FailedAt,
            Last = isNewest ? fault.FailedAt ?? group.Last : group.Last,
            Error = isNewest ? fault.Error : group.Error,
            Kind = isNewest ? fault.Kind : group.Kind,
        };
    }
}
