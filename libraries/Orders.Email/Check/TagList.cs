namespace Orders.Email.Check;

/// <summary>A record of tags and values, as DKIM and DMARC have them (RFC 6376, section 3.2).</summary>
internal static class TagList
{
    /// <summary>Reads <c>v=DMARC1; p=none</c>. Names keep their case, as do values, but no spaces around them.</summary>
    public static IReadOnlyDictionary<string, string> Parse(string record)
    {
        var tags = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var tag in record.Split(';', StringSplitOptions.TrimEntries))
        {
            var at = tag.IndexOf('=', StringComparison.Ordinal);
            if (at > 0)
            {
                tags.TryAdd(tag[..at].Trim(), tag[(at + 1)..].Trim());
            }
        }

        return tags;
    }
}
