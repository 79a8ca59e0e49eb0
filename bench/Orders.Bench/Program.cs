using System.CommandLine;
using Orders.Bench;
using Orders.Bench.Benchmarks;

IBenchmark[] benchmarks = [new MachineLimits(), new Intake(), new Sending(), new Latency(), new Growth(), new Start(), new LedgerCost(), new AccountRate()];

var root = new RootCommand("Measures the API and the workers as processes of their own, each figure beside what the machine can do at most.");
foreach (var benchmark in benchmarks)
{
    root.Add(BenchmarkCommand.Create(benchmark));
}

root.Add(BenchmarkCommand.CreateForAll(benchmarks));
root.Add(CompareCommand.Create());

// What was started has to be ended first.
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });
