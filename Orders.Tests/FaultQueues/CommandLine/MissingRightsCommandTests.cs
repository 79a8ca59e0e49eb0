using Microsoft.Extensions.DependencyInjection;
using Orders.FaultQueues.CommandLine;
using Orders.FaultQueues.Queues;
using Orders.ServiceDefaults.CommandLine;
using Orders.Tests.EndToEnd;

namespace Orders.Tests.FaultQueues.CommandLine;

/// <summary>What the command line says of rights that are missing.</summary>
internal sealed class MissingRightsCommandTests : OrderSystemTests
{
    private readonly ScriptedFaultRights _rights = new();

    [SetUp]
    public async Task StartAsync() => TheSystem = await OrderSystem.ServeAsync(
        "Production", services => services.AddSingleton<IFaultRights>(_rights), [.. Basic.Users, .. FailingOrders.Settings]);

    [Test]
    public async Task It_names_what_is_missing_below_the_queue_and_refuses_what_needs_it()
    {
        var missing = MissingRight.Of("console", BrokerRight.Write, "order-confirmation", FaultNeed.Replay);
        _rights.Missing = [missing];

        var (shown, output, _) = await RunAsync();
        var (refused, _, errors) = await RunAsync("replay", "error", "--all", "--yes");
        var (parked, _, _) = await RunAsync("park", "error", "--all", "--yes", "--reason", "x");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((shown, refused, parked), Is.EqualTo((0, 1, 0)));
            Assert.That(output, Does.Match("(?m)^order-confirmation/error: 0 messages, as of .*\n  The broker user `console` may not write to `order-confirmation`, so messages cannot be replayed.$"));
            Assert.That(errors, Is.EqualTo($"{missing.Explanation}\n"));
        }
    }

    [Test]
    public async Task Of_a_queue_that_cannot_be_looked_at_it_tells_no_count()
    {
        _rights.Missing = [MissingRight.Of("console", BrokerRight.Read, "order-confirmation_error", FaultNeed.Look, FaultNeed.Replay, FaultNeed.Park)];

        var (_, output, _) = await RunAsync();

        Assert.That(output, Does.StartWith("order-confirmation/error: cannot be looked at\n  The broker user `console` may not read from `order-confirmation_error`, so messages cannot be shown, replayed or parked.\n"));
    }

    private async Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        var (output, errors) = (new StringWriter { NewLine = "\n" }, new StringWriter { NewLine = "\n" });
        var environment = new Dictionary<string, string?> { ["FAULTS_URL"] = TheSystem.Http.BaseAddress!.ToString(), ["FAULTS_USER"] = "olga", ["FAULTS_PASSWORD"] = "olga-secret" };
        using var input = new StringReader("");
        var exitCode = await FaultsCommand.RunAsync(
            arguments, new Terminal(input, output, errors, CanAsk: false, CanRewrite: false, name => environment.GetValueOrDefault(name)), CancellationToken.None);
        return (exitCode, output.ToString(), errors.ToString());
    }
}
