using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Orders.Bench.Results;

/// <summary>All that one call of the program measured, and where.</summary>
/// <param name="StartedAt">When it was started.</param>
/// <param name="Commit">The commit of the working copy, with a <c>+</c> where it had further changes.</param>
/// <param name="Machine">What it ran on.</param>
/// <param name="Versions">The versions of what took part, by name.</param>
/// <param name="Figures">What was measured.</param>
internal sealed record Report(
    DateTimeOffset StartedAt, string Commit, MachineDescription Machine, IReadOnlyDictionary<string, string> Versions, IReadOnlyList<Figure> Figures)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>Reads a report that was written by <see cref="Write"/>.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="JsonException">It holds no report.</exception>
    public static Report Read(string path)
    {
        using var file = File.OpenRead(path);
        return JsonSerializer.Deserialize<Report>(file, Json) is { Figures: not null } report
            ? report
            : throw new JsonException("It has no figures.");
    }

    /// <summary>Writes the report as JSON.</summary>
    public void Write(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, Json) + "\n");

    /// <summary>The report for people, in Markdown.</summary>
    public override string ToString() => string.Join(
        '\n',
        [
            $"{Machine.Processors} × {Machine.Processor}, {Machine.MemoryGiB} GiB, {Machine.System}; "
                + string.Join(", ", Versions.Select(version => $"{version.Key} {version.Value}")) + $"; commit {Commit}",
            "",
            "| what | unit | median | min | max | limit beside it | of it | asked for | |",
            "|---|---|---:|---:|---:|---|---:|---:|---|",
            .. Figures.Select(Row),
        ]);

    private static string Row(Figure figure) =>
        $"| {figure.Name} | {figure.Unit} | {Text(figure.Median)} | {Text(figure.Min)} | {Text(figure.Max)} "
        + (figure.Limit is { } limit ? $"| {Text(limit.Median)} {limit.Name} | {(figure.Median / limit.Median).ToString("P0", CultureInfo.InvariantCulture)} " : "| | ")
        + (figure.Target is { } target ? $"| {(figure.Better == Better.Higher ? "≥" : "≤")} {Text(target)} | {(figure.IsReached == true ? "reached" : "**not reached**")} |" : "| | |");

    /// <summary>With as many digits as mean something.</summary>
    private static string Text(double number) => number.ToString(number >= 100 ? "#,0" : number >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture);
}
