using System.Text.Json;
using System.Text.Json.Nodes;

namespace Orders.Tests.Benchmarks;

/// <summary>The benchmark as its users call it. What it measures is nothing to a test; that it measures is.</summary>
public sealed class BenchmarkProgramTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private string _folder = "";

    [SetUp]
    public void SetUp() => _folder = Directory.CreateTempSubdirectory("orders-tests-bench-").FullName;

    [TearDown]
    public void TearDown() => Directory.Delete(_folder, recursive: true);

    [Long]
    [Alone]
    [Test]
    public async Task A_report_tells_what_was_measured_on_what()
    {
        await TestBrokers.RequireAsync(BrokerKind.Program);
        var file = Path.Combine(_folder, "report.json");
        var (exitCode, output, errors) = await RunAsync("latency", "--runs", "1", "--broker", "Program", "--json", file);

        // 1 where the machine is too busy to reach what is asked for.
        Assert.That(exitCode, Is.AnyOf(0, 1), errors + output);
        var report = JsonNode.Parse(await File.ReadAllTextAsync(file))!;
        Assert.Multiple(() =>
        {
            Assert.That(output, Does.Contain("| order to email, idle, median | ms |"));
            Assert.That(report["figures"]![0]!["runs"]![0]!.GetValue<double>(), Is.Positive);
            Assert.That(report["versions"]!["RabbitMQ"]!.GetValue<string>(), Does.Match(@"^\d+\.\d+"));
            Assert.That(report["machine"]!["processors"]!.GetValue<int>(), Is.EqualTo(Environment.ProcessorCount));
        });
    }

    [TestCase(new[] { 100.0, 101, 99 }, new[] { 90.0, 91, 89 }, "higher", "WORSE", 1)]
    [TestCase(new[] { 100.0, 101, 99 }, new[] { 110.0, 111, 109 }, "higher", "better", 0)]
    [TestCase(new[] { 100.0, 101, 99 }, new[] { 110.0, 111, 109 }, "lower", "WORSE", 1)]
    [TestCase(new[] { 100.0, 101, 99 }, new[] { 90.0, 91, 89 }, "lower", "better", 0)]
    [TestCase(new[] { 100.0, 120, 80 }, new[] { 85.0, 90, 70 }, "higher", "same", 0, TestName = "Runs that overlap are noise")]
    [TestCase(new[] { 100.0, 100, 100 }, new[] { 97.0, 97, 97 }, "higher", "same", 0, TestName = "A twentieth is noise")]
    public async Task What_moved_beyond_the_noise_is_said(double[] before, double[] after, string better, string verdict, int expected)
    {
        var (exitCode, output, errors) = await RunAsync("compare", Report("before", "speed", better, before), Report("after", "speed", better, after));

        Assert.That(exitCode, Is.EqualTo(expected), errors);
        Assert.That(output, Does.Match($"^{verdict} +speed: "));
    }

    [Test]
    public async Task A_figure_that_is_gone_counts_as_worse()
    {
        var (exitCode, output, _) = await RunAsync("compare", Report("before", "speed", "higher", [1]), Report("after", "size", "lower", [1]));

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(output, Does.Contain("missing  speed").And.Contain("new      size"));
    }

    [TestCase("no report", TestName = "A file that is no report")]
    [TestCase("{}", TestName = "JSON of something else")]
    [TestCase(null, TestName = "A file that is not there")]
    public async Task What_is_no_report_is_said_in_one_line(string? content)
    {
        var file = Path.Combine(_folder, "other.json");
        if (content is not null)
        {
            await File.WriteAllTextAsync(file, content);
        }

        var (exitCode, _, errors) = await RunAsync("compare", Report("before", "speed", "higher", [1]), file);

        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(errors.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(errors, Does.Contain("other.json"));
    }

    private static Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        // Beside this one, by the same build: of the whole solution, as the tests are run.
        var ofBuild = Path.GetRelativePath(Path.Combine(Repository.Root, "Orders.Tests"), AppContext.BaseDirectory);
        var program = Path.Combine(Repository.Root, "bench", "Orders.Bench", ofBuild, "Orders.Bench.dll");
        if (!File.Exists(program))
        {
            Needs.Missing("Orders.Bench is not built: build Orders.sln.");
        }

        return Command.RunToEndAsync(RealProgram.Runtime, [program, .. arguments], Patience);
    }

    private string Report(string name, string figure, string better, double[] runs)
    {
        var file = Path.Combine(_folder, $"{name}.json");
        File.WriteAllText(file, JsonSerializer.Serialize(new
        {
            startedAt = DateTimeOffset.UnixEpoch,
            commit = "0000000",
            machine = new { system = "any", processors = 2, processor = "any", memoryGiB = 4 },
            versions = new { },
            figures = new[] { new { name = figure, unit = "of it", better, runs } },
        }));
        return file;
    }
}
