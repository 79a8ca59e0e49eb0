namespace Orders.Bench.Results;

internal static class Statistics
{
    /// <summary>The middle one of some numbers, the upper of two in the middle.</summary>
    public static double Median(this IReadOnlyCollection<double> numbers) => numbers.Order().ElementAt(numbers.Count / 2);
}
