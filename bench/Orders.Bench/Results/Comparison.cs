using System.Globalization;

namespace Orders.Bench.Results;

/// <summary>How the figures of one report differ from those of an earlier one, beyond what is noise.</summary>
/// <param name="Lines">One for each figure of either report, for people.</param>
/// <param name="Worse">The names of the figures that became worse, or that are missing.</param>
internal sealed record Comparison(IReadOnlyList<string> Lines, IReadOnlyList<string> Worse)
{
    /// <summary>
    /// Compares two reports. A figure has moved where not one run of the one report lies within the runs of the other, and
    /// the medians differ by more than a twentieth: on a machine that others use too, less says nothing.
    /// </summary>
    public static Comparison Of(Report before, Report after)
    {
        var lines = new List<string>();
        var worse = new List<string>();
        foreach (var old in before.Figures)
        {
            if (after.Figures.FirstOrDefault(figure => figure.Name == old.Name) is not { } now)
            {
                lines.Add($"missing  {old.Name}");
                worse.Add(old.Name);
                continue;
            }

            var change = (now.Median / old.Median) - 1;
            var hasMoved = Math.Abs(change) > 0.05 && (now.Min > old.Max || now.Max < old.Min);
            var isWorse = hasMoved && change > 0 == (now.Better == Better.Lower);
            if (isWorse)
            {
                worse.Add(now.Name);
            }

            var verdict = !hasMoved ? "same     " : isWorse ? "WORSE    " : "better   ";
            lines.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"{verdict}{now.Name}: {old.Median:0.##} ({old.Min:0.##} to {old.Max:0.##}) → {now.Median:0.##} ({now.Min:0.##} to {now.Max:0.##}) {now.Unit}, {change:+0 %;-0 %;0 %}"));
        }

        lines.AddRange(after.Figures.Where(figure => before.Figures.All(old => old.Name != figure.Name)).Select(figure => $"new      {figure.Name}"));
        return new Comparison(lines, worse);
    }
}
