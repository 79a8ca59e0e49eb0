using System.Diagnostics.Metrics;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Notifications.Worker.Backlog;
using Notifications.Worker.Faults;
using Notifications.Worker.Faults.Audit;
using Notifications.Worker.Faults.Job;
using Notifications.Worker.Faults.Operations;
using Notifications.Worker.Operators;

namespace Orders.Tests.Faults;

public sealed class RedeliverJobStartTests
{
    /// <summary>Else it could park a message before the queue of those who are to hear of it is there.</summary>
    [Test]
    public async Task The_job_begins_when_the_bus_is_ready()
    {
        await using var services = new ServiceCollection()
            .AddMetrics()
            .AddMassTransit(bus => bus.DisableUsageTelemetry().UsingInMemory())
            .BuildServiceProvider();
        var bus = services.GetRequiredService<IBusControl>();
        var clock = new TestClock(DateTimeOffset.UnixEpoch);
        var meters = services.GetRequiredService<IMeterFactory>();
        var options = Options.Create(new RedeliverOptions());
        using var job = new RedeliverJob(
            new ScriptedFaultTransport(_ => { }), new RedeliverPolicy(options, clock), new FaultMover(new InMemoryAuditTrail(), bus, new OperatorEvents(services, NullLogger<OperatorEvents>.Instance), new FaultMetrics(meters), clock), new BacklogMetrics(meters, clock), bus, options, clock, NullLogger<RedeliverJob>.Instance);

        await job.StartAsync(CancellationToken.None);
        Assert.That(async () => await clock.HasTimer.WaitAsync(TimeSpan.FromSeconds(1)), Throws.TypeOf<TimeoutException>());
        await bus.StartAsync();
        await clock.HasTimer.WaitAsync(TimeSpan.FromSeconds(10));

        await job.StopAsync(CancellationToken.None);
        await bus.StopAsync();
    }
}
