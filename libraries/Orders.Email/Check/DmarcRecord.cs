namespace Orders.Email.Check;

/// <summary>Judges what a domain asks of servers that get forged emails (DMARC, RFC 7489).</summary>
internal static class DmarcRecord
{
    private const string Step = "dmarc";

    /// <summary>Those of some TXT records that are about DMARC.</summary>
    public static IReadOnlyList<string> Among(IEnumerable<string> texts) =>
        [.. texts.Where(text => text.Split(';')[0].Replace(" ", "", StringComparison.Ordinal).Equals("v=DMARC1", StringComparison.OrdinalIgnoreCase))];

    /// <summary>Judges the records of a domain.</summary>
    /// <param name="domain">The domain that has them.</param>
    /// <param name="records">All that there are.</param>
    /// <param name="report">Gets the line.</param>
    /// <param name="isParent">Whether it is a parent of the sender's domain.</param>
    public static void Judge(string domain, IReadOnlyList<string> records, CheckReport report, bool isParent)
    {
        if (records is not [var record])
        {
            report.Warn(
                Step,
                records.Count == 0
                    ? $"{domain} has no DMARC record, which large providers demand. Add a TXT record at _dmarc.{domain} like 'v=DMARC1; p=none; rua=mailto:…'."
                    : $"{domain} has {records.Count} DMARC records, which is an error: servers then go by none of them. Leave one.");
            return;
        }

        var tags = TagList.Parse(record);
        var policy = (isParent && tags.TryGetValue("sp", out var ofParts) ? ofParts : tags.GetValueOrDefault("p"))?.ToLowerInvariant();
        var owner = isParent ? $"{domain}, a parent of the sender's domain," : domain;
        switch (policy)
        {
            case "reject" or "quarantine":
                report.Ok(Step, $"{owner} has the policy {policy}: emails arrive only with a valid DKIM signature or SPF of this domain.");
                break;
            case "none":
                report.Ok(Step, $"{owner} has the policy none: servers report forged emails, and take them.");
                break;
            default:
                report.Warn(Step, $"The DMARC record of {owner} has {(policy is null ? "no policy" : "a policy that nobody knows")}. Set p=none, p=quarantine or p=reject.");
                break;
        }
    }
}
