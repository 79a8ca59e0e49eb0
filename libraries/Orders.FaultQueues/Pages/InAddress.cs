namespace Orders.FaultQueues.Pages;

/// <summary>A value of an enumeration as it stands in an address: a word in lower case.</summary>
internal readonly record struct InAddress<TEnum>(TEnum Value)
    where TEnum : struct, Enum
{
    public static implicit operator TEnum(InAddress<TEnum> word) => word.Value;

    public static bool TryParse(string? text, out InAddress<TEnum> word)
    {
        var isOne = Enum.TryParse<TEnum>(text, ignoreCase: true, out var value);
        word = new InAddress<TEnum>(value);
        return isOne;
    }
}
