namespace Orders.Bench.Results;

/// <summary>One thing that was measured, several times.</summary>
/// <param name="Name">What was measured; the same from one report to the next.</param>
/// <param name="Unit">The unit of <paramref name="Runs"/>, such as <c>orders/s</c>.</param>
/// <param name="Better">Which way is an improvement.</param>
/// <param name="Runs">What each run gave, in their order.</param>
/// <param name="Limit">What the machine can do at most, measured in the same run; <c>null</c> where there is no such thing.</param>
/// <param name="Target">What it must reach; <c>null</c> where nobody asks for anything.</param>
internal sealed record Figure(string Name, string Unit, Better Better, IReadOnlyList<double> Runs, Limit? Limit = null, double? Target = null)
{
    public double Median => Runs.Median();

    public double Min => Runs.Min();

    public double Max => Runs.Max();

    /// <summary>Whether the median reaches the target; <c>null</c> where there is none.</summary>
    public bool? IsReached => Target is not { } target ? null : Better == Better.Higher ? Median >= target : Median <= target;
}

/// <summary>Which of two numbers is the better one.</summary>
internal enum Better
{
    Higher,
    Lower,
}

/// <summary>What the machine can do without the programs that are measured.</summary>
/// <param name="Name">How it was measured.</param>
/// <param name="Median">The median, in the figure's unit.</param>
internal sealed record Limit(string Name, double Median);
