using System.Globalization;
using System.Text;

namespace Orders.ServiceDefaults.CommandLine;

/// <summary>
/// Where a command reads and writes. What it writes for people goes through <see cref="Neutralise"/>: a message may hold
/// escape sequences, and a terminal would obey them.
/// </summary>
/// <param name="In">Standard input.</param>
/// <param name="Out">Standard output.</param>
/// <param name="Error">Standard error.</param>
/// <param name="CanAsk">Whether somebody is there to answer a question.</param>
/// <param name="CanRewrite">Whether the output is a screen, on which a line can be written over.</param>
/// <param name="Variable">Reads the environment.</param>
public sealed record Terminal(
    TextReader In, TextWriter Out, TextWriter Error, bool CanAsk, bool CanRewrite, Func<string, string?> Variable)
{
    private int _rewritten;

    /// <summary>That of this process.</summary>
    public static Terminal OfProcess() => new(
        Console.In,
        Console.Out,
        Console.Error,
        !Console.IsInputRedirected && !Console.IsErrorRedirected,
        !Console.IsOutputRedirected,
        Environment.GetEnvironmentVariable);

    public void WriteLine(string text = "") => Out.WriteLine(Neutralise(text));

    public void WriteError(string text) => Error.WriteLine(Neutralise(text));

    /// <summary>Writes text of several lines, each indented.</summary>
    public void WriteLines(string text)
    {
        foreach (var line in text.ReplaceLineEndings("\n").Split('\n'))
        {
            WriteLine($"  {line.Replace("\t", "    ", StringComparison.Ordinal)}");
        }
    }

    /// <summary>Writes a line over the one that was written by this before.</summary>
    public void Rewrite(string text)
    {
        var line = Neutralise(text);
        Out.Write($"\r{line.PadRight(_rewritten)}");
        Out.Flush();
        _rewritten = line.Length;
    }

    /// <summary>Ends the line that was written over.</summary>
    public void EndRewriting()
    {
        if (_rewritten > 0)
        {
            Out.WriteLine();
            _rewritten = 0;
        }
    }

    /// <summary>Writes rows with their columns below each other.</summary>
    public void WriteTable(IReadOnlyList<string> head, IEnumerable<IReadOnlyList<string>> rows)
    {
        var cells = rows.Prepend(head).Select(row => row.Select(Neutralise).ToArray()).ToArray();
        var widths = head.Select((_, column) => cells.Max(row => row[column].Length)).ToArray();
        foreach (var row in cells)
        {
            WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }
    }

    /// <summary>
    /// Text with everything that is no visible character written as its number: control characters, with which escape
    /// sequences begin, and what changes the direction or the place of text.
    /// </summary>
    public static string Neutralise(string text)
    {
        var neutral = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.GetUnicodeCategory(rune)
                is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
            {
                neutral.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
            }
            else
            {
                neutral.Append(rune);
            }
        }

        return neutral.ToString();
    }
}
