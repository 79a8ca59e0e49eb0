using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Contracts;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Notifications.Worker.Backlog;
using Notifications.Worker.Faults;
using Notifications.Worker.Faults.Audit;
using Notifications.Worker.Faults.Job;
using Notifications.Worker.Faults.Operations;
using Notifications.Worker.Operators;

namespace Orders.Tests.Faults;

/// <summary>What the job does to its queue, pass by pass.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class RedeliverJobTests
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SecondWait = TimeSpan.FromHours(1);

    private readonly TestClock _clock = new(new DateTimeOffset(2026, 11, 21, 12, 0, 0, TimeSpan.Zero));
    private readonly ConcurrentQueue<string> _effects = new();
    private readonly LogEvents _log = new();
    private readonly InMemoryAuditTrail _audit = new();
    private ScriptedFaultTransport _transport = null!;
    private ServiceProvider _services = null!;
    private RedeliverJob _job = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _transport = new ScriptedFaultTransport(_effects.Enqueue);
        _services = new ServiceCollection()
            .AddLogging(logging => logging.AddProvider(_log))
            .AddMetrics()
            .AddSingleton<FaultMetrics>()
            .AddSingleton<BacklogMetrics>()
            .AddSingleton<TimeProvider>(_clock)
            .AddMassTransit(bus => bus.DisableUsageTelemetry().UsingInMemory())
            .BuildServiceProvider();
        var bus = _services.GetRequiredService<IBusControl>();
        await bus.StartAsync();
        bus.ConnectPublishObserver(new PublishEffects(_effects.Enqueue));

        var options = Options.Create(new RedeliverOptions { MaxAttempts = 2, Backoff = { FirstWait, SecondWait } });
        _job = new RedeliverJob(_transport, new RedeliverPolicy(options, _clock), new FaultMover(_audit, bus, new OperatorEvents(_services, _services.GetRequiredService<ILogger<OperatorEvents>>()), _services.GetRequiredService<FaultMetrics>(), _clock), _services.GetRequiredService<BacklogMetrics>(), bus, options, _clock, _services.GetRequiredService<ILogger<RedeliverJob>>());
        await _job.StartAsync(CancellationToken.None);
        await _clock.HasTimer.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _job.StopAsync(CancellationToken.None);
        _job.Dispose();
        await _services.GetRequiredService<IBusControl>().StopAsync();
        await _services.DisposeAsync();
        Assert.That(_transport.Disposed, Is.EqualTo(_transport.Opened), "A session was not disposed of.");
    }

    [Test]
    public async Task An_empty_queue_is_not_opened()
    {
        await PassAsync();

        Assert.That(_transport.Opened, Is.Zero);
    }

    [Test]
    public async Task A_queue_in_which_nothing_has_changed_is_not_read_again()
    {
        _transport.Add(Fault(), Fault(), Fault());

        await PassAsync();
        await PassAsync();
        _clock.Advance(FirstWait - TimeSpan.FromSeconds(1));
        await PassAsync();

        Assert.That(_transport.MessagesRead, Is.EqualTo(3));
    }

    [Test]
    public async Task Faults_are_replayed_in_order_when_they_are_due()
    {
        _transport.Add(Fault("1"), Fault("2"), Fault("3"));
        await PassAsync();

        _clock.Advance(FirstWait);
        await PassAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(_transport.Sent.Select(sent => (sent.Queue, sent.Message.OrderId, sent.Message.RedeliverCount)),
                Is.EqualTo([("order-confirmation", "1", 1), ("order-confirmation", "2", 1), ("order-confirmation", "3", 1)]));
            Assert.That(_transport.Queue, Is.Empty);
            Assert.That(_effects.Take(2), Is.EqualTo(["sent to order-confirmation", "completed"]));
        }
    }

    [Test]
    public async Task A_queue_that_looks_unchanged_is_read_again_after_a_while()
    {
        _transport.Add(Fault(replayed: 1));
        await PassAsync();

        _clock.Advance(TimeSpan.FromMinutes(10));
        await PassAsync();

        Assert.That(_transport.MessagesRead, Is.EqualTo(2));
    }

    [Test]
    public async Task Ten_thousand_waiting_faults_do_not_hold_up_a_new_one()
    {
        _transport.Add(Enumerable.Range(0, 10_000).Select(i => Fault($"waiting-{i}", replayed: 1)));
        await PassAsync();
        _clock.Advance(FirstWait);
        _transport.Add(Fault("new"));
        await PassAsync();
        var readUntilItCame = _transport.MessagesRead;

        _clock.Advance(FirstWait);
        await PassAsync();
        await PassAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(_transport.Sent.Select(sent => sent.Message.OrderId), Is.EqualTo(["new"]));
            Assert.That(_transport.Queue, Has.Count.EqualTo(10_000));
            Assert.That(readUntilItCame, Is.EqualTo(10_000 + 10_001));
            Assert.That(_transport.MessagesRead, Is.EqualTo(readUntilItCame + 10_001));
        }
    }

    [Test]
    public async Task A_send_that_fails_leaves_the_fault_where_it_is_and_the_next_pass_tries_again()
    {
        var fails = true;
        _transport.SendFailure = () => fails ? new InvalidOperationException("The broker is away.") : null;
        _transport.Add(Fault("1"), Fault("2"));
        _clock.Advance(FirstWait);

        await PassAsync();
        var left = _transport.Queue.Count;
        var warnings = _log.Of<RedeliverJob>(202);
        fails = false;
        await PassAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(left, Is.EqualTo(2));
            Assert.That(warnings, Is.Not.Empty.And.All.Contains("The broker is away."));
            Assert.That(_transport.Sent.Select(sent => sent.Message.OrderId), Is.EquivalentTo(["1", "2"]));
            Assert.That(_transport.Queue, Is.Empty);
        }
    }

    [Test]
    public async Task A_queue_that_somebody_else_has_is_left_alone_until_it_is_free()
    {
        _transport.Add(Fault());
        _clock.Advance(FirstWait);
        _transport.IsTaken = true;
        await PassAsync();
        var whileTaken = _transport.Sent.Count;

        _transport.IsTaken = false;
        await PassAsync();

        Assert.That((whileTaken, _transport.Sent.Count), Is.EqualTo((0, 1)));
    }

    [TestCase(2, "Transient", "Replayed 2 times in vain: 550 no")]
    [TestCase(0, "Permanent", "Permanent: 550 no")]
    [TestCase(0, "Unreadable", "Unreadable: 550 no")]
    public async Task A_fault_is_let_go_only_after_it_is_parked_and_people_are_told(int replayed, string kind, string reason)
    {
        _transport.Add(Fault("12345", replayed, kind));

        await PassAsync();

        var (_, parked) = _transport.Sent.Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_effects, Is.EqualTo(["sent to order-confirmation_parked", $"published {new OrderConfirmationFailed("12345", reason, _clock.GetUtcNow())}", "completed"]));
            Assert.That(parked.Text(FaultHeaders.ParkedReason), Is.EqualTo(reason));
            Assert.That(parked.Text(FaultHeaders.ParkedAt), Is.EqualTo(_clock.GetUtcNow().ToString("O", CultureInfo.InvariantCulture)));
            Assert.That(_log.Of<RedeliverJob>(201).Single(), Does.Contain("12345").And.Contain(reason));
        }
    }

    [TestCase("""{"message":{"orderId":"\ud800"}}""")]
    [TestCase("""{"message":{"orderId":"1","orderId":"2"}}""")]
    [TestCase("not JSON")]
    public async Task A_body_that_nobody_can_read_is_parked_once_and_holds_up_nothing(string body)
    {
        _transport.Add(Fault(kind: "Unreadable", body: body), Fault("next", kind: "Permanent"));

        await PassAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(_transport.Sent.Select(sent => sent.Message.OrderId), Is.EquivalentTo(new[] { null, "next" }));
            Assert.That(_transport.Queue, Is.Empty);
        }
    }

    /// <summary>Lets the job make at least one whole pass.</summary>
    private async Task PassAsync()
    {
        _clock.Tick();
        await _transport.WaitForLookAsync();
        // The next pass has begun, so this one is over.
        _clock.Tick();
        await _transport.WaitForLookAsync();
    }

    private FaultMessage Fault(string orderId = "1", int replayed = 0, string kind = "Transient", string? body = null) => new(
        Encoding.UTF8.GetBytes(body ?? $$$"""{"message":{"orderId":"{{{orderId}}}"}}"""),
        "application/vnd.masstransit+json",
        new Dictionary<string, object?>
        {
            [FaultHeaders.RedeliverCount] = replayed,
            [FaultHeaders.FailureKind] = kind,
            ["MT-Fault-Message"] = "550 no",
            ["MT-Fault-Timestamp"] = _clock.GetUtcNow().ToString("O", CultureInfo.InvariantCulture),
        });

    private sealed class PublishEffects(Action<string> effects) : IPublishObserver
    {
        public Task PrePublish<T>(PublishContext<T> context)
            where T : class => Task.CompletedTask;

        public Task PostPublish<T>(PublishContext<T> context)
            where T : class
        {
            if (context.Message is not OperatorEvent)
            {
                effects($"published {context.Message}");
            }

            return Task.CompletedTask;
        }

        public Task PublishFault<T>(PublishContext<T> context, Exception exception)
            where T : class => Task.CompletedTask;
    }
}
