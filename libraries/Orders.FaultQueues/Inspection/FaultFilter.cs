using System.Globalization;
using System.Text.Json.Serialization;

namespace Orders.FaultQueues.Inspection;

/// <summary>Says which faults are meant. Conditions that are left out take every fault; all others must hold together.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record FaultFilter
{
    /// <summary>These faults and no others.</summary>
    public IReadOnlyList<string>? Ids { get; init; }

    /// <summary>The id of a group.</summary>
    public string? Group { get; init; }

    /// <summary>Occurs in the body or in the exception's message or stack trace, in upper or lower case.</summary>
    public string? Text { get; init; }

    /// <summary>The exception's type: its full name, or the end of it after a dot.</summary>
    public string? ExceptionType { get; init; }

    /// <summary>What the message is about, as it stands.</summary>
    public string? Subject { get; init; }

    /// <summary>The same as <c>subject</c>, by its name in earlier releases.</summary>
    public string? OrderId
    {
        get => Subject;
        init => Subject ??= value;
    }

    /// <summary>Whom the email is for, in upper or lower case: the address, or a part of it such as <c>@example.com</c>.</summary>
    public string? Recipient { get; init; }

    /// <summary>Failed at this time or later.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Failed before this time.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>Replayed at least so often.</summary>
    public int? MinReplays { get; init; }

    /// <summary>Replayed at most so often.</summary>
    public int? MaxReplays { get; init; }

    /// <summary>Whether every fault is taken.</summary>
    [JsonIgnore]
    public bool IsEmpty => this == new FaultFilter();

    /// <summary>The filter in words, without an address of a person: it goes into the audit trail.</summary>
    public string Describe()
    {
        var conditions = new List<string>();
        Add("ids", Ids is null ? null : Ids.Count == 1 ? Ids[0] : $"{Ids.Count} messages");
        Add("group", Group);
        Add("text", Text is null ? null : "given");
        Add("exception type", ExceptionType);
        Add("subject", Subject);
        Add("recipient", Recipient is null ? null : "given");
        Add("from", From?.ToUniversalTime().ToString("u", CultureInfo.InvariantCulture));
        Add("to", To?.ToUniversalTime().ToString("u", CultureInfo.InvariantCulture));
        Add("replays at least", MinReplays?.ToString(CultureInfo.InvariantCulture));
        Add("replays at most", MaxReplays?.ToString(CultureInfo.InvariantCulture));
        return conditions.Count == 0 ? "all" : string.Join(", ", conditions);

        void Add(string name, string? value)
        {
            if (value is not null)
            {
                conditions.Add($"{name} {value}");
            }
        }
    }
}
