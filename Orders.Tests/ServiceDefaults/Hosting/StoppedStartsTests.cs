using System.Collections.Concurrent;
using System.Globalization;

namespace Orders.Tests.ServiceDefaults.Hosting;

/// <summary>A program that is told to stop while it starts ends as after any other stop.</summary>
public sealed class StoppedStartsTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(40);

    /// <summary>Nothing listens there.</summary>
    private static readonly (string, string)[] NoBroker =
    [
        ("Messaging__Transport", "RabbitMq"),
        ("RabbitMq__Host", "127.0.0.1:1"),
        ("RabbitMq__Username", "orders"),
        ("RabbitMq__Password", "orders"),
    ];

    [TestCase("Configured endpoint order-confirmation,")]
    [TestCase("Hosting starting")]
    [TestCase("Starting bus:")]
    [TestCase("Endpoint Ready: loopback://localhost/order-confirmation_error")]
    [TestCase("Bus started")]
    [TestCase("Now listening on")]
    [TestCase("Application started")]
    public Task The_API_ends_with_0(string moment) => StopAsync(RealProgram.Api, moment);

    [TestCase("Hosting starting")]
    [TestCase("Starting bus:")]
    [TestCase("Connection Failed")]
    [TestCase("Now listening on")]
    public Task A_worker_without_a_broker_ends_with_0(string moment) => StopAsync(RealProgram.Worker, moment, NoBroker);

    [TestCase("Connect: ")]
    [TestCase("Connected: ")]
    [TestCase("Declare queue:")]
    [TestCase("Endpoint Ready:")]
    [TestCase("Bus started")]
    [Broker]
    public async Task A_worker_on_a_broker_ends_with_0(string moment)
    {
        var broker = await TestBrokers.SharedAsync(TestBrokers.IsGiven ? BrokerKind.Given : BrokerKind.Program);
        var virtualHost = await broker.CreateVirtualHostAsync();

        await StopAsync(RealProgram.Worker, moment, broker.SettingsFor(virtualHost));

        await broker.DeleteVirtualHostAsync(virtualHost);
    }

    [Test]
    [Long]
    public Task The_API_stops_at_any_moment() => SweepAsync(RealProgram.Api);

    [Test]
    [Long]
    public async Task A_worker_stops_at_any_moment()
    {
        var broker = await TestBrokers.SharedAsync(TestBrokers.IsGiven ? BrokerKind.Given : BrokerKind.Program);
        var virtualHost = await broker.CreateVirtualHostAsync();

        await SweepAsync(RealProgram.Worker, broker.SettingsFor(virtualHost));

        await broker.DeleteVirtualHostAsync(virtualHost);
    }

    private static async Task StopAsync(RealProgram program, string moment, params (string, string)[] settings)
    {
        var lines = new ConcurrentQueue<string>();
        await using var starting = await program.StartTalkingAsync(moment, lines.Enqueue, settings);

        await starting.TerminateAsync();
        var exitCode = await starting.WaitForExitAsync(TimeSpan.FromSeconds(30));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(exitCode, Is.Zero, string.Join(Environment.NewLine, lines.TakeLast(40)));
            Assert.That(lines, Has.None.StartsWith("   at ").And.None.Contains("canceled"));
        }
    }

    /// <summary>From the beginning of the process until well after the first one that has started, at other moments in each run.</summary>
    private static async Task SweepAsync(RealProgram program, params (string, string)[] settings)
    {
        var started = 0;
        for (var after = Step * Random.Shared.NextDouble(); started < 12; after += Step)
        {
            var ended = await program.StopAfterAsync(after, [.. settings, ("Logging__LogLevel__Microsoft.Hosting.Lifetime", "Information")]);
            var output = string.Create(CultureInfo.InvariantCulture, $"After {after.TotalMilliseconds:0.0} ms: {ended.Output}{string.Join(Environment.NewLine, ended.Errors)}");
            using (Assert.EnterMultipleScope())
            {
                // Before there is a program, the runtime ends as the signal asks it to.
                Assert.That(ended.ExitCode, ended.Output.Length > 0 ? Is.Zero : Is.Zero.Or.EqualTo(128 + 15), output);
                Assert.That(ended.Errors, Is.Empty, output);
                Assert.That(ended.Output, Does.Not.Contain("\n   at "), output);
            }

            started += ended.Output.Contains("Application started", StringComparison.Ordinal) ? 1 : 0;
            Assert.That(after, Is.LessThan(TimeSpan.FromSeconds(30)), "It never starts.");
        }
    }
}
