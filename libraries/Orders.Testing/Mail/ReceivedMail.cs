using System.Text;
using System.Text.RegularExpressions;

namespace Orders.Testing.Mail;

/// <summary>An email as a mail server got it, or as it lies in a pickup directory.</summary>
public sealed partial class ReceivedMail
{
    private ReceivedMail(string from, IReadOnlyList<string> recipients, string raw)
    {
        From = from;
        Recipients = recipients;
        Raw = raw;
        (Headers, var body) = SplitEntity(raw);
        Parts = ReadParts(Headers, body).ToList();
    }

    /// <summary>The envelope's sender, without angle brackets.</summary>
    public string From { get; }

    /// <summary>The envelope's recipients, without angle brackets.</summary>
    public IReadOnlyList<string> Recipients { get; }

    /// <summary>Header and body as they came, dot-stuffing undone, one char for each byte.</summary>
    public string Raw { get; }

    /// <summary>Every header field in its order, unfolded, not decoded.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; }

    /// <summary>Media type and decoded text of each part.</summary>
    public IReadOnlyList<(string MediaType, string Content)> Parts { get; }

    /// <summary>How long a mail server took from the end of the email to its answer; <c>null</c> where its client got none.</summary>
    public TimeSpan? AnsweredAfter { get; internal set; }

    public string MessageId => Header("Message-ID");

    /// <summary>Whom its header names, which may be in UTF-8 (RFC 6532).</summary>
    public string To => FromUtf8(Header("To"));

    public string Subject => DecodeWords(Header("Subject"));

    public string Text => Parts.Single(part => part.MediaType == "text/plain").Content;

    public string Html => Parts.Single(part => part.MediaType == "text/html").Content;

    /// <summary>Text in UTF-8 that came as one char for each byte.</summary>
    public static string FromUtf8(string bytes) => Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(bytes));

    /// <summary>The one field of that name; two of them, or none, are an error.</summary>
    public string Header(string name) => Headers.Single(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    public static ReceivedMail Parse(string raw, string from = "", params IReadOnlyList<string> recipients) => new(from, recipients, raw);

    private static (List<KeyValuePair<string, string>> Headers, string Body) SplitEntity(string entity)
    {
        var end = entity.StartsWith("\r\n", StringComparison.Ordinal) ? 0 : entity.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        var header = end < 0 ? entity : entity[..end];
        var body = end < 0 ? "" : entity[(end + (end == 0 ? 2 : 4))..];
        var headers = Folding().Replace(header, " ").Split("\r\n", StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(':', 2))
            .Select(pair => KeyValuePair.Create(pair[0], pair.Length == 2 ? pair[1].Trim() : ""))
            .ToList();
        return (headers, body);
    }

    private static IEnumerable<(string MediaType, string Content)> ReadParts(IReadOnlyList<KeyValuePair<string, string>> headers, string body)
    {
        string Field(string name) => headers.FirstOrDefault(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value ?? "";

        var type = Field("Content-Type");
        if (Boundary().Match(type) is { Success: true } boundary)
        {
            var sections = ("\r\n" + body).Split($"\r\n--{boundary.Groups[1].Value}");
            return sections.Skip(1).TakeWhile(section => !section.StartsWith("--", StringComparison.Ordinal)).SelectMany(section =>
            {
                var (partHeaders, partBody) = SplitEntity(section[(section.IndexOf("\r\n", StringComparison.Ordinal) + 2)..]);
                return ReadParts(partHeaders, partBody);
            });
        }

        var bytes = Field("Content-Transfer-Encoding").ToLowerInvariant() switch
        {
            "base64" => Convert.FromBase64String(body),
            "quoted-printable" => FromQuotedPrintable(body),
            _ => Encoding.Latin1.GetBytes(body),
        };
        return [(type.Split(';')[0].Trim(), Encoding.UTF8.GetString(bytes))];
    }

    private static byte[] FromQuotedPrintable(string body)
    {
        var bytes = new List<byte>(body.Length);
        for (var i = 0; i < body.Length; i++)
        {
            if (body[i] != '=')
            {
                bytes.Add((byte)body[i]);
            }
            else
            {
                if (body[i + 1] != '\r')
                {
                    bytes.Add(Convert.ToByte(body.Substring(i + 1, 2), 16));
                }

                i += 2;
            }
        }

        return [.. bytes];
    }

    // RFC 2047: white space between two encoded words is not part of the text.
    private static string DecodeWords(string value) =>
        EncodedWord().Replace(BetweenEncodedWords().Replace(value, "?==?"), word =>
            Encoding.GetEncoding(word.Groups[1].Value).GetString(
                word.Groups[2].Value is "B" or "b"
                    ? Convert.FromBase64String(word.Groups[3].Value)
                    : FromQuotedPrintable(word.Groups[3].Value.Replace('_', ' '))));

    [GeneratedRegex(@"\r\n[ \t]+")]
    private static partial Regex Folding();

    [GeneratedRegex("boundary=\"?([^\";]+)")]
    private static partial Regex Boundary();

    [GeneratedRegex(@"=\?([^?]+)\?([BbQq])\?([^?]*)\?=")]
    private static partial Regex EncodedWord();

    [GeneratedRegex(@"\?=\s+=\?")]
    private static partial Regex BetweenEncodedWords();
}
