using Orders.Email.Dkim;

namespace Orders.Email.Check;

/// <summary>Judges whether the public key of a domain is that of the key that signs (RFC 6376, section 3.6.1).</summary>
internal static class DkimRecord
{
    private const string Step = "dkim";

    /// <summary>Tells that nothing is signed here.</summary>
    public static void ReportNone(CheckReport report) =>
        report.Ok(Step, "This program signs no emails; the mail server may. To sign here, set Email__Dkim__Domain, __Selector and __PrivateKeyFile.");

    /// <summary>Judges the TXT records.</summary>
    /// <param name="name">Where they are.</param>
    /// <param name="texts">All that there are.</param>
    /// <param name="key">The key that signs.</param>
    /// <param name="report">Gets the line.</param>
    public static void Judge(string name, IReadOnlyList<string> texts, DkimKey key, CheckReport report)
    {
        var wanted = $"Set the TXT record of {name} to '{key.Record}'.";
        if (texts is not [var text])
        {
            report.Warn(Step, texts.Count == 0 ? $"Emails are signed, but nobody can see it: there is no key in DNS. {wanted}" : $"{name} has {texts.Count} TXT records, and servers take any of them. {wanted}");
            return;
        }

        var tags = TagList.Parse(text);
        if (tags.GetValueOrDefault("v", "DKIM1") != "DKIM1" || !tags.TryGetValue("p", out var publicKey))
        {
            report.Warn(Step, $"What DNS has at {name} is no key. {wanted}");
        }
        else if (publicKey.Length == 0)
        {
            report.Warn(Step, $"The key at {name} is revoked: no signature holds. {wanted}");
        }
        else if (tags.GetValueOrDefault("k", "rsa") != key.Type || !key.Fits(publicKey))
        {
            report.Warn(Step, $"The key at {name} is not that of Email__Dkim__PrivateKeyFile: no signature holds. {wanted}");
        }
        else if (Lacks("h", "sha256") || Lacks("s", "email"))
        {
            report.Warn(Step, $"The key at {name} is not for emails signed with SHA-256. {wanted}");
        }
        else if (key.Bits < DkimOptions.GoodBits)
        {
            report.Warn(Step, $"The key at {name} fits, but has only {key.Bits} bits. Make one of {DkimOptions.GoodBits}, with another selector.");
        }
        else if (tags.GetValueOrDefault("t", "").Split(':', StringSplitOptions.TrimEntries).Contains("y"))
        {
            report.Warn(Step, $"The key at {name} fits, but says that it is a test (t=y): servers may ignore it. Leave t=y out.");
        }
        else
        {
            report.Ok(Step, $"Emails are signed, and the key at {name} fits.");
        }

        bool Lacks(string tag, string value) =>
            tags.TryGetValue(tag, out var values) && !values.Split(':', StringSplitOptions.TrimEntries).Any(each => each == value || (tag == "s" && each == "*"));
    }
}
