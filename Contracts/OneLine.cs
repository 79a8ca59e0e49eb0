using System.Text;

namespace Contracts;

/// <summary>The rule for text that people write, such as a product or a reason.</summary>
public static class OneLine
{
    /// <summary>
    /// Whether a text has 1 to <paramref name="longest"/> characters, none of them a control character. One beyond the basic plane, such as an
    /// emoji, counts once; half of one is no character.
    /// </summary>
    public static bool IsValid(string text, int longest)
    {
        var count = 0;
        for (var rest = text.AsSpan(); !rest.IsEmpty; count++)
        {
            if (count == longest || Rune.DecodeFromUtf16(rest, out var rune, out var length) != System.Buffers.OperationStatus.Done || Rune.IsControl(rune))
            {
                return false;
            }

            rest = rest[length..];
        }

        return count > 0;
    }
}
