using System.Text.RegularExpressions;

namespace Orders.Email;

/// <summary>What mail servers and other programs write, made fit to be passed on.</summary>
public static partial class TextSanitizer
{
    private const int LongestLine = 300;

    /// <summary>Makes one short line of a text from elsewhere, without control characters and addresses.</summary>
    public static string OneLine(string text)
    {
        var line = Address().Replace(ControlCharacters().Replace(text, " "), "(address)").Trim();
        return line.Length <= LongestLine ? line : string.Concat(line.AsSpan(0, LongestLine - 1), "…");
    }

    [GeneratedRegex(@"[\p{Cc}\p{Cf}\u2028\u2029]+")]
    private static partial Regex ControlCharacters();

    [GeneratedRegex("""("[^"@]*"|[^\s<>"'():;,]+)@[^\s<>"'():;,]+""")]
    private static partial Regex Address();
}
