using System.Text.RegularExpressions;

namespace Orders.FaultQueues;

/// <summary>An entry of <c>Faults__Queues</c>: an endpoint of another program whose faults are looked after too.</summary>
public sealed partial class FaultQueueOptions
{
    /// <summary>The endpoint's queue, such as <c>billing</c> for the faults in <c>billing_error</c>.</summary>
    public string? Name { get; set; }

    /// <summary>
    /// Where a message says what it is about, as JSON paths such as <c>$.invoice.number</c>: the first that leads to something
    /// counts. It stands in logs, addresses and the audit trail, so it should be an id and not a person's address.
    /// </summary>
    public IList<string> Subject { get; } = [];

    /// <summary>What people call the subject, such as <c>Invoice</c>.</summary>
    public string SubjectName { get; set; } = "Subject";

    /// <summary>Whether the redeliver job replays its faults, and parks those that were replayed too often. Otherwise people alone do.</summary>
    public bool Replay { get; set; }

    /// <summary>The endpoint, of an entry without <see cref="FindMistakes">mistakes</see>.</summary>
    public FaultEndpoint ToEndpoint() => new(Name!)
    {
        IsForeign = true,
        IsReplayed = Replay,
        Subject = [.. Subject.Select(JsonPath.Parse)],
        SubjectName = SubjectName,
    };

    /// <summary>What is wrong with the entry.</summary>
    /// <param name="variable">The name of its variables without their last part, such as <c>Faults__Queues__0</c>.</param>
    public IEnumerable<string> FindMistakes(string variable)
    {
        var name = $"{variable}__{nameof(Name)}";
        if (string.IsNullOrWhiteSpace(Name))
        {
            yield return $"{name} is required.";
        }
        else if (Name.EndsWith(FaultEndpoint.ErrorSuffix, StringComparison.Ordinal))
        {
            yield return $"{name} must be the queue of the endpoint, '{Name[..^FaultEndpoint.ErrorSuffix.Length]}', without '{FaultEndpoint.ErrorSuffix}'.";
        }
        else if (!ProperName().IsMatch(Name))
        {
            yield return $"{name} must have 1 to 200 characters, none of them '/', a blank or a control character.";
        }
        else if (FaultEndpoints.IsReserved(Name))
        {
            yield return $"{name} must not be '{Name}': addresses of the fault queues use the word.";
        }

        if (string.IsNullOrWhiteSpace(SubjectName))
        {
            yield return $"{variable}__{nameof(SubjectName)} must not be empty.";
        }

        foreach (var (path, index) in Subject.Select((path, index) => (path, index)).Where(entry => JsonPath.TryParse(entry.path) is null))
        {
            yield return $"{variable}__{nameof(Subject)}__{index} must be a path to one value, such as $.invoice.number, but is '{path}'.";
        }
    }

    // A queue's name is at most 255 bytes, of which "_parked_turn" takes 12.
    [GeneratedRegex(@"^[^/\s\p{C}]{1,200}\z", RegexOptions.CultureInvariant)]
    private static partial Regex ProperName();
}
