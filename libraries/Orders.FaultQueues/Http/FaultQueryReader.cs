using System.Globalization;
using Orders.FaultQueues.Inspection;

namespace Orders.FaultQueues.Http;

/// <summary>Reads the parameters of an address, and collects every mistake in them under its name.</summary>
internal sealed class FaultQueryReader(IQueryCollection query)
{
    private static readonly string[] TimeFormats = ["yyyy-MM-ddK", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];

    private readonly Dictionary<string, string[]> _mistakes = [];
    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);

    public string? Text(string name)
    {
        _known.Add(name);
        switch (query[name].ToArray())
        {
            case []:
                return null;
            case [{ Length: > 0 } value]:
                return value;
            case var values:
                _mistakes[name] = [values.Length == 1 ? "There must be a value; leave the parameter out to have no condition." : "There must be one value only."];
                return null;
        }
    }

    /// <summary>Values with commas between them, or in parameters of the same name.</summary>
    public IReadOnlyList<string>? List(string name)
    {
        _known.Add(name);
        return query[name] is { Count: > 0 } values
            ? [.. values.SelectMany(value => (value ?? "").Split(',', StringSplitOptions.TrimEntries))]
            : null;
    }

    public int? Number(string name, int least = 0, int most = int.MaxValue)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
        {
            return number;
        }

        _mistakes[name] = [most == int.MaxValue ? $"This must be a whole number, {least} or more." : $"This must be a whole number, {least} to {most}."];
        return null;
    }

    public DateTimeOffset? Time(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        if (TryParseTime(text, out var time))
        {
            return time;
        }

        _mistakes[name] = ["This must be a time such as 2026-01-31T12:00:00Z."];
        return null;
    }

    /// <summary>Reads a time by ISO 8601; without an offset it is UTC.</summary>
    public static bool TryParseTime(string text, out DateTimeOffset time) =>
        DateTimeOffset.TryParseExact(text, TimeFormats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time);

    public FaultFilter Filter()
    {
        var filter = new FaultFilter
        {
            Ids = List("ids"),
            Group = Text("group"),
            Text = Text("text"),
            ExceptionType = Text("exceptionType"),
            Subject = Text("subject") ?? Text("orderId"),
            Recipient = Text("recipient"),
            From = Time("from"),
            To = Time("to"),
            MinReplays = Number("minReplays"),
            MaxReplays = Number("maxReplays"),
        };
        foreach (var (name, texts) in filter.FindMistakes())
        {
            _mistakes.TryAdd(name, texts);
        }

        return filter;
    }

    /// <summary>All mistakes, once everything has been read: a parameter that nobody has asked for is one too.</summary>
    public IReadOnlyDictionary<string, string[]> FindMistakes()
    {
        foreach (var name in query.Keys.Where(name => !_known.Contains(name)))
        {
            _mistakes[name] = [$"There is no such parameter. There are {string.Join(", ", _known)}."];
        }

        return _mistakes;
    }
}
