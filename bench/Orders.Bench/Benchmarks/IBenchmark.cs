using Orders.Bench.Results;
using Orders.Bench.UnderTest;

namespace Orders.Bench.Benchmarks;

/// <summary>Something that can be measured by itself.</summary>
internal interface IBenchmark
{
    /// <summary>The word for it on the command line.</summary>
    string Word { get; }

    /// <summary>What it measures, in a line.</summary>
    string Description { get; }

    /// <summary>Measures.</summary>
    /// <param name="system">A system in which nothing runs yet.</param>
    /// <param name="runs">How many times.</param>
    Task<IReadOnlyList<Figure>> MeasureAsync(SystemUnderTest system, int runs);
}
