namespace Orders.Email.Check;

/// <summary>Judges which servers a domain allows to send for it (SPF, RFC 7208).</summary>
internal static class SpfRecord
{
    private const string Step = "spf";

    // RFC 7208, section 4.6.4.
    private const int MostLookups = 10;

    private static readonly string[] Asking = ["include", "a", "mx", "ptr", "exists", "redirect"];

    private static readonly string[] Naming = [.. Asking, "ip4", "ip6"];

    /// <summary>Judges the TXT records of a domain.</summary>
    public static void Judge(string domain, IEnumerable<string> texts, CheckReport report)
    {
        string[] records = [.. texts.Where(IsSpf)];
        if (records is not [var record])
        {
            report.Warn(
                Step,
                records.Length == 0
                    ? $"{domain} has no SPF record: many servers distrust its emails. Add a TXT record like 'v=spf1 include:_spf.your-provider.example -all'."
                    : $"{domain} has {records.Length} SPF records, which is an error: servers then go by none of them (RFC 7208, section 4.5). Merge them into one.");
            return;
        }

        string[] terms = [.. record.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1)];
        var names = terms.Select(Name).ToArray();
        var lookups = names.Count(Asking.Contains);
        var all = terms.FirstOrDefault(term => Name(term) == "all");
        if (all is "all" or "+all")
        {
            Warn("allows every server of the world to send for it. End it with -all.");
        }
        else if (!names.Any(Naming.Contains))
        {
            Warn("names no server: every email counts as forged. Name your mail server in it.");
        }
        else if (lookups > MostLookups)
        {
            Warn($"asks DNS {lookups} times, and servers ask {MostLookups} times at most (RFC 7208, section 4.6.4). Shorten it.");
        }
        else if (all is null && !names.Contains("redirect"))
        {
            Warn("says nothing of other servers. End it with -all or ~all.");
        }
        else
        {
            report.Ok(Step, $"{domain} says '{TextSanitizer.OneLine(record)}'. It must name the server that sends for you.");
        }

        void Warn(string what) => report.Warn(Step, $"The SPF record of {domain}, '{TextSanitizer.OneLine(record)}', {what}");
    }

    private static bool IsSpf(string text) =>
        text.Equals("v=spf1", StringComparison.OrdinalIgnoreCase) || text.StartsWith("v=spf1 ", StringComparison.OrdinalIgnoreCase);

    /// <summary>The name of a mechanism or modifier: <c>ip4</c> of <c>+ip4:192.0.2.1</c>.</summary>
    private static string Name(string term)
    {
        var name = term.TrimStart('+', '-', '~', '?');
        var end = name.IndexOfAny([':', '=', '/']);
        return (end < 0 ? name : name[..end]).ToLowerInvariant();
    }
}
