using System.CommandLine;
using Orders.Bench;
using Orders.Bench.Benchmarks;

return await new RootCommand("Measures the API and the workers as processes of their own, each figure beside what the machine can do at most.")
{
    BenchmarkCommand.Create(new Intake()),
    BenchmarkCommand.Create(new Sending()),
    BenchmarkCommand.Create(new Latency()),
    BenchmarkCommand.Create(new Growth()),
    BenchmarkCommand.Create(new Start()),
    BenchmarkCommand.Create(new MachineLimits()),
    BenchmarkCommand.CreateForAll([new MachineLimits(), new Intake(), new Sending(), new Latency(), new Growth(), new Start()]),
    CompareCommand.Create(),
}
    // What was started has to be ended first.
    .Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });
