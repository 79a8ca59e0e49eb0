using System.CommandLine;
using System.Reflection;
using MassTransit;
using NUnit.Framework;
using Orders.Bench.Benchmarks;
using Orders.Bench.Results;
using Orders.Bench.UnderTest;
using Orders.Testing.Brokers;
using Orders.Testing.Machine;
using RabbitMQ.Client;
using Command = System.CommandLine.Command;
using CommandException = Orders.Testing.Machine.CommandException;

namespace Orders.Bench;

/// <summary>The commands that measure.</summary>
internal static class BenchmarkCommand
{
    /// <summary>The command of one benchmark.</summary>
    public static Command Create(IBenchmark benchmark) => Create(benchmark.Word, benchmark.Description, [benchmark]);

    /// <summary>The command that measures everything, for one report.</summary>
    public static Command CreateForAll(IBenchmark[] benchmarks) => Create("all", "All of these.", benchmarks);

    private static Command Create(string word, string description, IBenchmark[] benchmarks)
    {
        var broker = new Option<BrokerKind>("--broker")
        {
            Description = "Program (RabbitMQ of the machine), Container (the image that is deployed) or Given (by ORDERS_TEST_RABBITMQ).",
            DefaultValueFactory = _ => TestBrokers.IsGiven ? BrokerKind.Given : ProgramBroker.FindScripts() is null ? BrokerKind.Container : BrokerKind.Program,
        };
        var runs = new Option<int>("--runs") { Description = "How often everything is measured.", DefaultValueFactory = _ => 3 };
        runs.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 100)
            {
                result.AddError("--runs must be between 1 and 100.");
            }
        });
        var json = new Option<string?>("--json") { Description = "A file to write the report to, for compare." };

        var command = new Command(word, description) { broker, runs, json };
        command.SetAction((line, cancellationToken) => RunAsync(benchmarks, line.GetValue(broker), line.GetValue(runs), line.GetValue(json), cancellationToken));
        return command;
    }

    /// <returns>0 where everything that is asked for was reached, 1 where something was not, 2 where it could not be measured.</returns>
    private static async Task<int> RunAsync(IBenchmark[] benchmarks, BrokerKind kind, int runs, string? json, CancellationToken cancellationToken)
    {
#if DEBUG
        await Console.Error.WriteLineAsync("This is a debug build: its figures mean nothing. Run it with -c Release.");
#endif
        try
        {
            var startedAt = DateTimeOffset.UtcNow;
            await using var broker = await TestBrokers.StartAsync(kind);
            var figures = new List<Figure>();
            foreach (var benchmark in benchmarks)
            {
                await Console.Error.WriteLineAsync($"{DateTime.UtcNow:HH:mm:ss} {benchmark.Word}");
                await using var system = await SystemUnderTest.StartAsync(broker);
                figures.AddRange(await benchmark.MeasureAsync(system, runs).WaitAsync(cancellationToken));
            }

            var report = new Report(startedAt, await ReadCommitAsync(), MachineDescription.Read(), ReadVersions(broker), figures);
            await Console.Out.WriteLineAsync(report.ToString());
            if (json is not null)
            {
                report.Write(json);
            }

            return figures.Any(figure => figure.IsReached == false) ? 1 : 0;
        }
        catch (Exception exception) when (exception is BenchmarkException or CommandException or IgnoreException or AssertionException or IOException)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return 2;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return 2;
        }
    }

    private static Dictionary<string, string> ReadVersions(RabbitMqBroker broker) => new()
    {
        ["RabbitMQ"] = broker.Version,
        [".NET"] = Environment.Version.ToString(),
        ["MassTransit"] = VersionOf(typeof(IBus)),
        ["MassTransit.RabbitMQ"] = VersionOf(typeof(RabbitMqHostSettings)),
        ["RabbitMQ.Client"] = VersionOf(typeof(IConnection)),
    };

    private static string VersionOf(Type type) =>
        type.Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private static async Task<string> ReadCommitAsync()
    {
        try
        {
            var within = TimeSpan.FromSeconds(10);
            var commit = await Orders.Testing.Machine.Command.RunAsync("git", ["rev-parse", "--short", "HEAD"], within, folder: Repository.Root);
            var changes = await Orders.Testing.Machine.Command.RunAsync("git", ["status", "--porcelain"], within, folder: Repository.Root);
            return commit.Trim() + (changes.Length == 0 ? "" : "+");
        }
        catch (Exception exception) when (exception is CommandException or System.ComponentModel.Win32Exception)
        {
            return "unknown";
        }
    }
}
