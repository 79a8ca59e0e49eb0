using System.CommandLine;
using System.Text.Json;
using Orders.Bench.Results;

namespace Orders.Bench;

/// <summary>The command that finds what became slower.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        var before = new Argument<string>("before") { Description = "The earlier report, as --json wrote it." };
        var after = new Argument<string>("after") { Description = "The later one." };
        var command = new Command("compare", "Says which figures moved beyond the noise from one report to another.") { before, after };
        command.SetAction(line => Compare(line.GetRequiredValue(before), line.GetRequiredValue(after)));
        return command;
    }

    /// <returns>0 where nothing became worse, 1 where something did, 2 where a report cannot be read.</returns>
    private static int Compare(string before, string after)
    {
        try
        {
            var comparison = Comparison.Of(Read(before), Read(after));
            foreach (var line in comparison.Lines)
            {
                Console.Out.WriteLine(line);
            }

            return comparison.Worse.Count == 0 ? 0 : 1;
        }
        catch (BenchmarkException exception)
        {
            Console.Error.WriteLine(exception.Message);
            return 2;
        }
    }

    private static Report Read(string path)
    {
        try
        {
            return Report.Read(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new BenchmarkException($"{path} cannot be read as a report: {exception.Message.ReplaceLineEndings(" ")}");
        }
    }
}
