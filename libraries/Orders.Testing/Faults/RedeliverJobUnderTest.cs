using MassTransit;
using Microsoft.Extensions.Options;
using Notifications.Worker.OrderConfirmation;
using Orders.FaultQueues;
using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Backlog;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Job;
using Orders.FaultQueues.Live;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Policy;
using Orders.FaultQueues.Queues;
using Orders.Messaging.Operators;
using Orders.Testing.Machine;

namespace Orders.Testing.Faults;

/// <summary>A redeliver job with a queue that does as it is told, a clock that the test moves, and a bus in memory.</summary>
internal sealed class RedeliverJobUnderTest : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task> _running = [];

    /// <param name="options">The job's settings; by default those of the program.</param>
    /// <param name="effects">Where to write down what is done to the queue.</param>
    public RedeliverJobUnderTest(ReplayOptions? options = null, Action<string>? effects = null)
    {
        var confirmation = new OrderConfirmationNotification();
        Transport = new ScriptedFaultTransport(effects ?? (_ => { }));
        _services = new ServiceCollection()
            .AddLogging(logging => logging.AddProvider(Log))
            .AddMetrics()
            .AddMassTransit(bus => bus.DisableUsageTelemetry().UsingInMemory())
            .AddSingleton<TimeProvider>(Clock)
            .AddSingleton(Options.Create(options ?? new ReplayOptions()))
            .AddSingleton<IFaultTransport>(Transport)
            .AddSingleton<IFaultRights>(Rights)
            .AddSingleton<IAuditTrail, InMemoryAuditTrail>()
            .AddSingleton<FaultMetrics>()
            .AddSingleton<BacklogMetrics>()
            .AddSingleton<OperatorEvents>()
            .AddSingleton(confirmation.Endpoint)
            .AddSingleton<FaultEndpoints>()
            .AddKeyedSingleton(confirmation.Endpoint.Queue, (services, _) => confirmation.CreateAnnouncer(services))
            .AddSingleton<ParkedNews>()
            .AddSingleton<FaultMover>()
            .AddSingleton<RedeliverPolicy>()
            .AddSingleton<FaultReading>()
            .AddSingleton<FaultFeed>()
            .AddSingleton<FaultLooks>()
            .AddSingleton<RedeliverJob>()
            .AddSingleton<ParkingWatch>()
            .BuildServiceProvider();
    }

    public TestClock Clock { get; } = new(new DateTimeOffset(2026, 11, 21, 12, 0, 0, TimeSpan.Zero));

    public LogEvents Log { get; } = new();

    public ScriptedFaultTransport Transport { get; }

    public ScriptedFaultRights Rights { get; } = new();

    public IBusControl Bus => _services.GetRequiredService<IBusControl>();

    private RedeliverJob Job => _services.GetRequiredService<RedeliverJob>();

    private ParkingWatch Watch => _services.GetRequiredService<ParkingWatch>();

    /// <summary>Starts the bus and the job, which then waits for its time.</summary>
    public Task StartAsync() => StartAsync(Job.RunAsync);

    /// <summary>The same with the watch over parking instead of the job; the queue is parking then.</summary>
    public Task StartWatchAsync() => StartAsync(Watch.RunAsync);

    /// <summary>Starts the job before the bus.</summary>
    public void StartJobAlone() => _running.Add(Job.RunAsync(_stopping.Token));

    private async Task StartAsync(Func<CancellationToken, Task> runAsync)
    {
        await Bus.StartAsync();
        _running.Add(runAsync(_stopping.Token));
        await Clock.HasTimer.WaitAsync(TimeSpan.FromSeconds(10));
    }

    /// <summary>Lets the job make at least one whole pass.</summary>
    public async Task PassAsync()
    {
        Clock.Tick();
        await Transport.WaitForLookAsync();
        // The next pass has begun, so this one is over.
        Clock.Tick();
        await Transport.WaitForLookAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Bus.StopAsync();
        await _services.DisposeAsync();
        _stopping.Dispose();
    }
}
