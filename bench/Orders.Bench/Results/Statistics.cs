namespace Orders.Bench.Results;

internal static class Statistics
{
    /// <summary>The middle one of some numbers, the upper of two in the middle.</summary>
    public static double Median(this IReadOnlyCollection<double> numbers) => numbers.Percentile(0.5);

    /// <summary>The number below which a share of some numbers lies.</summary>
    public static double Percentile(this IReadOnlyCollection<double> numbers, double share) => numbers.Order().ElementAt((int)(share * numbers.Count));
}
