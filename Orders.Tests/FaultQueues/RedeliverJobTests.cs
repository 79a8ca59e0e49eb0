using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Contracts;
using MassTransit;
using Orders.FaultQueues;
using Orders.FaultQueues.Job;
using Orders.FaultQueues.Policy;
using Orders.FaultQueues.Queues;
using Orders.Messaging;
using Orders.Messaging.Operators;

namespace Orders.Tests.FaultQueues;

/// <summary>What the job does to its queue, pass by pass.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class RedeliverJobTests
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SecondWait = TimeSpan.FromHours(1);

    private readonly ConcurrentQueue<string> _effects = new();
    private readonly RedeliverJobUnderTest _job;

    public RedeliverJobTests() =>
        _job = new RedeliverJobUnderTest(new ReplayOptions { MaxAttempts = 2, Backoff = { FirstWait, SecondWait } }, _effects.Enqueue);

    private TestClock Clock => _job.Clock;

    private ScriptedFaultTransport Transport => _job.Transport;

    [SetUp]
    public async Task StartAsync()
    {
        _job.Bus.ConnectPublishObserver(new PublishEffects(_effects.Enqueue));
        await _job.StartAsync();
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _job.DisposeAsync();
        Assert.That(Transport.Disposed, Is.EqualTo(Transport.Opened), "A session was not disposed of.");
    }

    [Test]
    public async Task An_empty_queue_is_not_opened()
    {
        await _job.PassAsync();

        Assert.That(Transport.Opened, Is.Zero);
    }

    [Test]
    public async Task A_queue_in_which_nothing_has_changed_is_not_read_again()
    {
        Transport.Add(Fault(), Fault(), Fault());

        await _job.PassAsync();
        await _job.PassAsync();
        Clock.Advance(FirstWait - TimeSpan.FromSeconds(1));
        await _job.PassAsync();

        Assert.That(Transport.MessagesRead, Is.EqualTo(3));
    }

    [Test]
    public async Task Faults_are_replayed_in_order_when_they_are_due()
    {
        Transport.Add(Fault("1"), Fault("2"), Fault("3"));
        await _job.PassAsync();

        Clock.Advance(FirstWait);
        await _job.PassAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Transport.Sent.Select(sent => (sent.Queue, sent.Message.OrderId, sent.Message.RedeliverCount)),
                Is.EqualTo([("order-confirmation", "1", 1), ("order-confirmation", "2", 1), ("order-confirmation", "3", 1)]));
            Assert.That(Transport.Queue, Is.Empty);
            Assert.That(_effects.Take(2), Is.EqualTo(["sent to order-confirmation", "completed"]));
        }
    }

    [TestCase(RepublishRefusal.Message)]
    [TestCase(RepublishRefusal.NotNow)]
    public async Task What_the_broker_does_not_take_is_stepped_over_and_tried_again_seldom(RepublishRefusal why)
    {
        var tries = 0;
        Transport.Refusal = message =>
        {
            if (message.OrderId != "2")
            {
                return null;
            }

            tries++;
            return new RepublishRefusedException("order-confirmation", "too large", why);
        };
        Transport.Add(Fault("1"), Fault("2"), Fault("3"));
        await _job.PassAsync();
        Clock.Advance(FirstWait);
        await _job.PassAsync();
        await _job.PassAsync();
        var triesAtFirst = tries;
        Clock.Advance(TimeSpan.FromMinutes(10));
        await _job.PassAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Transport.Sent.Select(sent => sent.Message.OrderId), Is.EqualTo(["1", "3"]));
            Assert.That(Transport.Queue.Select(fault => fault.OrderId), Is.EqualTo(["2"]));
            Assert.That((triesAtFirst, tries), Is.EqualTo((1, 2)));
            Assert.That(_job.Log.Of<RedeliverJob>(203)[0], Does.StartWith("The message about 2 stays in the error queue").And.Contain("too large"));
        }
    }

    [Test]
    public async Task Without_its_rights_it_leaves_the_queue_alone_and_says_so_once()
    {
        var missing = MissingRight.Of("console", BrokerRight.Write, "order-confirmation_parked", FaultNeed.Park);
        _job.Rights.Missing = [missing];
        Transport.Add(Fault("1"));
        foreach (var _ in Enumerable.Range(0, 3))
        {
            Clock.Tick();
            await _job.Rights.WaitForQuestionAsync();
        }

        var (read, told) = (Transport.MessagesRead, _job.Log.Of<RedeliverJob>(207));
        _job.Rights.Missing = [];
        await _job.PassAsync();
        Clock.Advance(FirstWait);
        await _job.PassAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(read, Is.Zero);
            Assert.That(
                told,
                Is.EqualTo(
                [
                    "The redeliver job leaves order-confirmation_error alone until its rights are complete. "
                    + "The broker user `console` may not write to `order-confirmation_parked`, so messages cannot be parked.",
                ]));
            Assert.That(Transport.Sent.Select(sent => sent.Message.OrderId), Is.EqualTo(["1"]));
        }
    }

    [Test]
    public async Task A_queue_that_looks_unchanged_is_read_again_after_a_while()
    {
        Transport.Add(Fault(replayed: 1));
        await _job.PassAsync();

        Clock.Advance(TimeSpan.FromMinutes(10));
        await _job.PassAsync();

        Assert.That(Transport.MessagesRead, Is.EqualTo(2));
    }

    [Test]
    public async Task Ten_thousand_waiting_faults_do_not_hold_up_a_new_one()
    {
        Transport.Add(Enumerable.Range(0, 10_000).Select(i => Fault($"waiting-{i}", replayed: 1)));
        await _job.PassAsync();
        Clock.Advance(FirstWait);
        Transport.Add(Fault("new"));
        await _job.PassAsync();
        var readUntilItCame = Transport.MessagesRead;

        Clock.Advance(FirstWait);
        await _job.PassAsync();
        await _job.PassAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Transport.Sent.Select(sent => sent.Message.OrderId), Is.EqualTo(["new"]));
            Assert.That(Transport.Queue, Has.Count.EqualTo(10_000));
            Assert.That(readUntilItCame, Is.EqualTo(10_000 + 10_001));
            Assert.That(Transport.MessagesRead, Is.EqualTo(readUntilItCame + 10_001));
        }
    }

    [Test]
    public async Task A_queue_that_takes_longer_to_read_than_a_turn_may_last_is_worked_off_all_the_same()
    {
        Transport.Add(Enumerable.Range(0, 1_000).Select(i => Fault($"waiting-{i}", replayed: 1)));
        Transport.Add(Fault("1"), Fault("2"));
        Clock.Advance(FirstWait);
        Transport.Reading = () => Clock.Advance(TimeSpan.FromMilliseconds(10));

        await _job.PassAsync();

        Assert.That(Transport.Sent.Select(sent => sent.Message.OrderId), Is.EquivalentTo(["1", "2"]));
    }

    [Test]
    public async Task A_turn_that_has_read_for_long_moves_for_as_long()
    {
        Transport.Add(Enumerable.Range(0, 1_000).Select(i => Fault($"waiting-{i}", replayed: 1)));
        Transport.Add(Enumerable.Range(0, 500).Select(i => Fault($"due-{i}")));
        Clock.Advance(FirstWait);
        Transport.Reading = () => Clock.Advance(TimeSpan.FromMilliseconds(10));

        await _job.PassAsync();

        Assert.That((Transport.Sent.Count, Transport.Opened), Is.EqualTo((500, 1)));
    }

    [Test]
    public async Task A_send_that_fails_leaves_the_fault_where_it_is_and_the_next_pass_tries_again()
    {
        var fails = true;
        Transport.SendFailure = () => fails ? new InvalidOperationException("The broker is away.") : null;
        Transport.Add(Fault("1"), Fault("2"));
        Clock.Advance(FirstWait);

        await _job.PassAsync();
        var left = Transport.Queue.Count;
        var warnings = _job.Log.Of<RedeliverJob>(202);
        fails = false;
        await _job.PassAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(left, Is.EqualTo(2));
            Assert.That(warnings, Is.Not.Empty.And.All.Contains("The broker is away."));
            Assert.That(Transport.Sent.Select(sent => sent.Message.OrderId), Is.EquivalentTo(["1", "2"]));
            Assert.That(Transport.Queue, Is.Empty);
        }
    }

    [Test]
    public async Task A_queue_that_somebody_else_has_is_left_alone_until_it_is_free()
    {
        Transport.Add(Fault());
        Clock.Advance(FirstWait);
        Transport.IsTaken = true;
        await _job.PassAsync();
        var whileTaken = Transport.Sent.Count;

        Transport.IsTaken = false;
        await _job.PassAsync();

        Assert.That((whileTaken, Transport.Sent.Count), Is.EqualTo((0, 1)));
    }

    [TestCase(2, "Transient", "Replayed 2 times in vain: 550 no")]
    [TestCase(0, "Permanent", "Permanent: 550 no")]
    [TestCase(0, "Unreadable", "Unreadable: 550 no")]
    [TestCase(0, "Conflict", "Conflict: 550 no")]
    public async Task A_fault_is_let_go_only_after_it_is_parked_and_people_are_told(int replayed, string kind, string reason)
    {
        Transport.Add(Fault("12345", replayed, kind));

        await _job.PassAsync();

        var (_, parked) = Transport.Sent.Single();
        // The order with this id is another one.
        var orderId = kind == "Conflict" ? null : "12345";
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_effects, Is.EqualTo(["sent to order-confirmation_parked", $"published {new OrderConfirmationFailed(orderId, reason, Clock.GetUtcNow())}", "completed"]));
            Assert.That(parked.Text(FaultHeaders.ParkedReason), Is.EqualTo(reason));
            Assert.That(parked.Text(FaultHeaders.ParkedAt), Is.EqualTo(Clock.GetUtcNow().ToString("O", CultureInfo.InvariantCulture)));
            Assert.That(_job.Log.Of<RedeliverJob>(201).Single(), Does.Contain("12345").And.Contain(reason));
        }
    }

    [TestCase("""{"message":{"orderId":"\ud800"}}""")]
    [TestCase("""{"message":{"orderId":"1","orderId":"2"}}""")]
    [TestCase("not JSON")]
    public async Task A_body_that_nobody_can_read_is_parked_once_and_holds_up_nothing(string body)
    {
        Transport.Add(Fault(kind: "Unreadable", body: body), Fault("next", kind: "Permanent"));

        await _job.PassAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Transport.Sent.Select(sent => sent.Message.OrderId), Is.EquivalentTo(new[] { null, "next" }));
            Assert.That(Transport.Queue, Is.Empty);
        }
    }

    private FaultMessage Fault(string orderId = "1", int replayed = 0, string kind = "Transient", string? body = null) => new(
        Encoding.UTF8.GetBytes(body ?? $$$"""{"message":{"orderId":"{{{orderId}}}"}}"""),
        "application/vnd.masstransit+json",
        new Dictionary<string, object?>
        {
            [FaultHeaders.RedeliverCount] = replayed,
            [FaultHeaders.FailureKind] = kind,
            ["MT-Fault-Message"] = "550 no",
            ["MT-Fault-Timestamp"] = Clock.GetUtcNow().ToString("O", CultureInfo.InvariantCulture),
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
