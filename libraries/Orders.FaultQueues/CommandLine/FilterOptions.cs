using System.CommandLine;
using System.Globalization;
using Orders.FaultQueues.Http;
using Orders.FaultQueues.Inspection;

namespace Orders.FaultQueues.CommandLine;

/// <summary>The options that say which messages are meant: the conditions of a <see cref="FaultFilter"/>.</summary>
internal sealed class FilterOptions
{
    private readonly Option<string[]> _ids = new("--ids")
    {
        Description = "These messages: ids with commas or spaces between them.",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string> _group = new("--group") { Description = "Those of this group." };
    private readonly Option<string> _text = new("--text") { Description = "Those with this text in the body, the error or the stack trace." };
    private readonly Option<string> _exceptionType = new("--exception-type") { Description = "Those of this exception type: its full name, or the end of it after a dot." };
    private readonly Option<string> _subject = new("--subject", "--order-id") { Description = "Those that are about this: an order id, in our own queues." };
    private readonly Option<string> _recipient = new("--recipient") { Description = "Those to this address, or to one with this in it, such as @example.com." };
    private readonly Option<DateTimeOffset?> _from = TimeOption("--from", "Those that failed at this time or later, such as 2026-01-31T12:00:00Z.");
    private readonly Option<DateTimeOffset?> _to = TimeOption("--to", "Those that failed before this time.");
    private readonly Option<int?> _minReplays = new("--min-replays") { Description = "Those that were replayed at least so often." };
    private readonly Option<int?> _maxReplays = new("--max-replays") { Description = "Those that were replayed at most so often." };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _ids, _group, _text, _exceptionType, _subject, _recipient, _from, _to, _minReplays, _maxReplays })
        {
            command.Add(option);
        }
    }

    public FaultFilter Read(ParseResult parsed) => new()
    {
        Ids = parsed.GetResult(_ids) is null ? null : [.. parsed.GetRequiredValue(_ids).SelectMany(ids => ids.Split(',', StringSplitOptions.TrimEntries))],
        Group = parsed.GetValue(_group),
        Text = parsed.GetValue(_text),
        ExceptionType = parsed.GetValue(_exceptionType),
        Subject = parsed.GetValue(_subject),
        Recipient = parsed.GetValue(_recipient),
        From = parsed.GetValue(_from),
        To = parsed.GetValue(_to),
        MinReplays = parsed.GetValue(_minReplays),
        MaxReplays = parsed.GetValue(_maxReplays),
    };

    /// <summary>The filter as parameters of an address.</summary>
    public IEnumerable<(string Name, object? Value)> Query(ParseResult parsed)
    {
        var filter = Read(parsed);
        return
        [
            ("ids", filter.Ids is null ? null : string.Join(',', filter.Ids)),
            ("group", filter.Group),
            ("text", filter.Text),
            ("exceptionType", filter.ExceptionType),
            ("subject", filter.Subject),
            ("recipient", filter.Recipient),
            ("from", filter.From?.ToString("O", CultureInfo.InvariantCulture)),
            ("to", filter.To?.ToString("O", CultureInfo.InvariantCulture)),
            ("minReplays", filter.MinReplays),
            ("maxReplays", filter.MaxReplays),
        ];
    }

    private static Option<DateTimeOffset?> TimeOption(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "time",
        CustomParser = result =>
        {
            if (FaultQueryReader.TryParseTime(result.Tokens[0].Value, out var time))
            {
                return time;
            }

            result.AddError($"{name} must be a time such as 2026-01-31T12:00:00Z, but is '{result.Tokens[0].Value}'.");
            return null;
        },
    };
}
