using System.Globalization;
using Microsoft.Extensions.Primitives;
using Orders.FaultQueues.Inspection;

namespace Orders.FaultQueues.Pages;

/// <summary>A filter as people type it and as it stands in addresses and forms.</summary>
public sealed class FaultQuery
{
    private const string Ids = "id";

    private const string Subject = "subject";

    /// <summary>What the subject was called in earlier releases: people have kept such addresses.</summary>
    private const string FormerSubject = "orderId";

    /// <summary>Set by forms in which messages are ticked: without a tick none is meant, not all.</summary>
    private const string Ticked = "ticked";

    private static readonly string[] Names = [Ids, "group", "text", "exceptionType", Subject, "recipient", "from", "to", "minReplays", "maxReplays"];

    private readonly Dictionary<string, string[]> _values = [];
    private readonly Dictionary<string, string> _mistakes = [];

    private FaultQuery(Func<string, StringValues> read)
    {
        foreach (var name in Names)
        {
            string[] values = [.. read(name).Concat(name == Subject ? read(FormerSubject) : []).OfType<string>().Select(value => value.Trim()).Where(value => value.Length > 0)];
            if (values.Length > 0)
            {
                _values[name] = values;
            }
        }

        IsNothing = read(Ticked).Count > 0 && !_values.ContainsKey(Ids);
        Filter = new FaultFilter
        {
            Ids = _values.GetValueOrDefault(Ids),
            Group = Value("group"),
            Text = Value("text"),
            ExceptionType = Value("exceptionType"),
            Subject = Value(Subject),
            Recipient = Value("recipient"),
            From = Time("from"),
            To = Time("to"),
            MinReplays = Count("minReplays"),
            MaxReplays = Count("maxReplays"),
        };
        if (Filter.From >= Filter.To)
        {
            _mistakes["to"] = "This must be later than the beginning.";
        }

        if (Filter.MinReplays > Filter.MaxReplays)
        {
            _mistakes["maxReplays"] = "This must not be less than the least.";
        }
    }

    /// <summary>What is meant, as far as there are no <see cref="Mistakes"/>.</summary>
    public FaultFilter Filter { get; }

    /// <summary>What is wrong, by the name of the field.</summary>
    public IReadOnlyDictionary<string, string> Mistakes => _mistakes;

    /// <summary>Whether messages were to be ticked and none was.</summary>
    public bool IsNothing { get; }

    /// <summary>The fields that are set, for forms that carry them on.</summary>
    public IEnumerable<(string Name, string Value)> Fields => _values.SelectMany(values => values.Value.Select(value => (values.Key, value)));

    /// <summary>The conditions in words.</summary>
    public IEnumerable<string> Conditions
    {
        get
        {
            if (_values.TryGetValue(Ids, out var ids))
            {
                yield return ids.Length == 1 ? $"message {ids[0]}" : $"{ids.Length} chosen messages";
            }

            foreach (var (name, words) in new[]
            {
                ("group", "group"), ("text", "text contains"), ("exceptionType", "exception"), (Subject, "subject"), ("recipient", "recipient contains"),
                ("from", "failed from"), ("to", "failed before"), ("minReplays", "replayed at least"), ("maxReplays", "replayed at most"),
            })
            {
                if (Value(name) is { } value)
                {
                    yield return name is "from" or "to" ? $"{words} {value} UTC" : name.EndsWith("Replays", StringComparison.Ordinal) ? $"{words} {value} times" : $"{words} “{value}”";
                }
            }
        }
    }

    public static FaultQuery Read(IQueryCollection query) => new(name => query[name]);

    public static FaultQuery Read(IFormCollection form) => new(name => form[name]);

    /// <summary>What was typed into a field.</summary>
    public string? Value(string name) => _values.GetValueOrDefault(name)?[0];

    /// <summary>The filter at the end of an address.</summary>
    public string At(int page = 1) => Microsoft.AspNetCore.Http.QueryString.Create(
        Fields.Concat(page > 1 ? [("page", page.ToString(CultureInfo.InvariantCulture))] : [])
            .Select(field => KeyValuePair.Create<string, string?>(field.Name, field.Value))).ToUriComponent();

    private DateTimeOffset? Time(string name)
    {
        if (Value(name) is not { } value)
        {
            return null;
        }

        if (DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
        {
            _values[name] = [time.ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture)];
            return time;
        }

        _mistakes[name] = "This is no time. Write it like 2026-11-21 21:14.";
        return null;
    }

    private int? Count(string name)
    {
        if (Value(name) is not { } value)
        {
            return null;
        }

        if (int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var count))
        {
            return count;
        }

        _mistakes[name] = "This must be a whole number, 0 or more.";
        return null;
    }
}
