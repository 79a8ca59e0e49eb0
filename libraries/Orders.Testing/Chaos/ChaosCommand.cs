using System.CommandLine;
using Orders.Testing.Brokers;

namespace Orders.Testing.Chaos;

/// <summary><c>dotnet run --project Orders.Tests -- chaos</c>: a run of any length, with a table at its end.</summary>
internal static class ChaosCommand
{
    /// <returns>0 where every order is accounted for, 1 where one is not, 2 where the run could not be made.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        var minutes = new Option<double>("--minutes") { Description = "How long to break things.", DefaultValueFactory = _ => 2 };
        var seed = new Option<int>("--seed") { Description = "Decides what is broken when; a run with the same seed repeats it.", DefaultValueFactory = _ => Random.Shared.Next() };
        var broker = new Option<BrokerKind>("--broker") { Description = "RabbitMQ of the machine, or the image that is deployed.", DefaultValueFactory = _ => BrokerKind.Container };
        var rate = new Option<int>("--rate") { Description = "Orders a second.", DefaultValueFactory = _ => 20 };
        var chaos = new Command("chaos", "Breaks the system on purpose while orders come in, then accounts for every order.") { minutes, seed, broker, rate };
        chaos.SetAction(async (line, cancellationToken) =>
        {
            var options = new ChaosOptions(line.GetValue(seed), TimeSpan.FromMinutes(line.GetValue(minutes)), line.GetValue(broker), line.GetValue(rate));
            await Console.Out.WriteLineAsync($"Seed {options.Seed}");
            try
            {
                var report = await ChaosRun.RunAsync(options, Console.Out, cancellationToken);
                await Console.Out.WriteLineAsync(report.ToString());
                return report.Unexplained.Count == 0 ? 0 : 1;
            }
            catch (Exception exception) when (exception is IgnoreException or AssertionException)
            {
                await Console.Error.WriteLineAsync(exception.Message);
                return 2;
            }
        });
        return await new RootCommand("What is run by hand; the tests are run by dotnet test.") { chaos }.Parse(args).InvokeAsync();
    }
}
