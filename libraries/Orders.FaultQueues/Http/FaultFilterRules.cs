using Orders.FaultQueues.Inspection;

namespace Orders.FaultQueues.Http;

/// <summary>What a filter from outside must keep to.</summary>
internal static class FaultFilterRules
{
    /// <summary>What is wrong, by the name of the field. A condition that takes everything by accident is.</summary>
    public static Dictionary<string, string[]> FindMistakes(this FaultFilter filter, string prefix = "")
    {
        var mistakes = new Dictionary<string, string[]>();
        foreach (var (name, value) in new[]
            {
                ("group", filter.Group), ("text", filter.Text), ("exceptionType", filter.ExceptionType), ("subject", filter.Subject), ("recipient", filter.Recipient),
            })
        {
            AddIf(value?.Length == 0, name, "This must not be empty; leave it out to have no condition.");
        }

        AddIf(filter.Ids?.Any(string.IsNullOrEmpty) == true, "ids", "An id must not be empty.");
        AddIf(filter.MinReplays < 0, "minReplays", "This must be 0 or more.");
        AddIf(filter.MaxReplays < (filter.MinReplays ?? 0), "maxReplays", "This must be 0 or more, and not less than minReplays.");
        AddIf(filter.To <= filter.From, "to", "This must be later than from.");
        return mistakes;

        void AddIf(bool isWrong, string name, string text)
        {
            if (isWrong)
            {
                mistakes[prefix + name] = [text];
            }
        }
    }
}
