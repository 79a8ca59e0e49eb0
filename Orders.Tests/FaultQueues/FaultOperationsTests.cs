using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Queues;
using Orders.Messaging;
using Orders.Tests.EndToEnd;

namespace Orders.Tests.FaultQueues;

/// <summary>What no transport makes a difference to.</summary>
internal sealed class FaultOperationsTests : OrderSystemTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>More than have their turn at once, so that a whole portion is held up.</summary>
    private const int Unheld = 30;

    private readonly BlockedAuditTrail _audit = new();

    [Test]
    public async Task A_cancelled_operation_finishes_what_it_has_begun_and_begins_nothing_more()
    {
        const int Orders = Unheld + (2 * FaultTurn.InFlight);
        TheSystem = await OrderSystem.StartAsync(
            TransportUnderTest.InMemory, services => services.AddSingleton<IAuditTrail>(_audit), FailingOrders.Settings);
        await TheSystem.FailAsync([.. Enumerable.Range(1, Orders).Select(number => number.ToString(CultureInfo.InvariantCulture))]);
        var operations = TheSystem.Worker.GetRequiredService<FaultOperations>();

        var operation = await operations.StartAsync(
            new FaultRequest(ConfirmationFaults.Error, FaultAction.Park, new FaultFilter(), "a test", rate: 10_000), "olga", CancellationToken.None);
        await _audit.Reached.WaitAsync(Patience);
        var cancelling = operations.CancelAsync(operation.Id);
        Assert.That(cancelling.IsCompleted, Is.False);
        _audit.Release();
        var cancelled = await cancelling.WaitAsync(Patience);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(cancelled!.State, Is.EqualTo(OperationState.Cancelled));
            Assert.That(cancelled.Done, Is.InRange(Unheld + 1, Unheld + FaultTurn.InFlight));
            Assert.That(await TheSystem.ReadAsync(OrderConfirmationEndpoint.ErrorQueue), Has.Count.EqualTo(Orders - cancelled.Done));
            Assert.That(_audit.Entries[^1].Reason, Is.EqualTo("cancelled"));
        }
    }

    [TestCase(10_000)]
    [TestCase(2)]
    public async Task What_comes_back_because_the_broker_died_with_its_acknowledgement_is_not_replayed_again(double rate)
    {
        var faults = Enumerable.Range(1, 10).Select(number => SampleFaults.Create($"{number}", failedAt: DateTimeOffset.UtcNow)).ToArray();
        var transport = new ScriptedFaultTransport(_ => { });
        transport.Add(faults);
        TheSystem = await OrderSystem.StartAsync(
            TransportUnderTest.InMemory, services => services.AddSingleton<IFaultTransport>(transport), FailingOrders.Settings);
        var operations = TheSystem.Worker.GetRequiredService<FaultOperations>();
        var sends = 0;
        // As if the first two had not been acknowledged. They come back late, and behind everything else.
        transport.Opening = look => transport.Add(look == 6 ? faults[..2] : []);
        transport.SendFailure = () =>
        {
            if (++sends != 3)
            {
                return null;
            }

            return new IOException("The broker was killed.");
        };

        var operation = await operations.StartAsync(
            new FaultRequest(ConfirmationFaults.Error, FaultAction.Replay, new FaultFilter(), rate: rate), "olga", CancellationToken.None);
        var ended = await operations.WaitAsync(operation.Id, CancellationToken.None).WaitAsync(Patience);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((ended!.State, ended.Done), Is.EqualTo((OperationState.Done, faults.Length)));
            Assert.That(transport.Sent.Select(sent => sent.Message.OrderId), Is.EquivalentTo(faults.Select(fault => fault.OrderId)));
            Assert.That(transport.Queue, Is.Empty);
        }
    }

    [Test]
    public async Task An_operation_leaves_what_the_broker_does_not_take_and_says_so()
    {
        var transport = new ScriptedFaultTransport(_ => { })
        {
            Refusal = message => message.OrderId == "2" ? new RepublishRefusedException("order-confirmation", "too large", RepublishRefusal.Message) : null,
        };
        transport.Add(Enumerable.Range(1, 3).Select(number => SampleFaults.Create($"{number}", failedAt: DateTimeOffset.UtcNow)));
        TheSystem = await OrderSystem.StartAsync(
            TransportUnderTest.InMemory, services => services.AddSingleton<IFaultTransport>(transport), FailingOrders.Settings);
        var operations = TheSystem.Worker.GetRequiredService<FaultOperations>();

        var operation = await operations.StartAsync(new FaultRequest(ConfirmationFaults.Error, FaultAction.Replay, new FaultFilter()), "olga", CancellationToken.None);
        var ended = await operations.WaitAsync(operation.Id, CancellationToken.None).WaitAsync(Patience);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((ended!.State, ended.Done, ended.Refused), Is.EqualTo((OperationState.Failed, 2, 1)));
            Assert.That(ended.Error, Does.StartWith("1 of 3 messages stay where they were.").And.Contain("too large"));
            Assert.That(transport.Queue.Select(fault => fault.OrderId), Is.EqualTo(["2"]));
        }
    }

    [Test]
    public async Task An_operation_ends_though_its_messages_are_behind_more_than_can_be_read_in_a_turn()
    {
        var clock = new TestClock(DateTimeOffset.UtcNow);
        var transport = new ScriptedFaultTransport(_ => { }) { Reading = () => clock.Advance(TimeSpan.FromMilliseconds(10)) };
        transport.Add(Enumerable.Range(0, 500).Select(number => SampleFaults.Create($"{number}", failedAt: clock.GetUtcNow())));
        transport.Add(SampleFaults.Create("last", error: "another one", failedAt: clock.GetUtcNow()));
        TheSystem = await OrderSystem.StartAsync(
            TransportUnderTest.InMemory,
            services => services.AddSingleton<IFaultTransport>(transport).AddSingleton<TimeProvider>(clock),
            FailingOrders.Settings);
        var operations = TheSystem.Worker.GetRequiredService<FaultOperations>();

        var operation = await operations.StartAsync(
            new FaultRequest(ConfirmationFaults.Error, FaultAction.Replay, new FaultFilter { Text = "another one" }), "olga", CancellationToken.None);
        var ended = await operations.WaitAsync(operation.Id, CancellationToken.None).WaitAsync(Patience);

        Assert.That((ended!.State, ended.Done), Is.EqualTo((OperationState.Done, 1)));
    }

    [Test]
    public async Task A_few_messages_far_apart_in_a_long_queue_take_one_turn()
    {
        var clock = new TestClock(DateTimeOffset.UtcNow);
        // Nobody lets time pass between two turns.
        var transport = new ScriptedFaultTransport(_ => { }) { Reading = () => clock.Advance(TimeSpan.FromMilliseconds(10)) };
        TheSystem = await OrderSystem.StartAsync(
            TransportUnderTest.InMemory,
            services => services.AddSingleton<IFaultTransport>(transport).AddSingleton<TimeProvider>(clock),
            [.. FailingOrders.Settings, ("Replay__Period", "01:00:00")]);
        transport.Add(Enumerable.Range(0, 1_000).Select(
            number => SampleFaults.Create($"{number}", error: number % 300 == 0 ? "another one" : "the same", failedAt: clock.GetUtcNow())));
        var operations = TheSystem.Worker.GetRequiredService<FaultOperations>();

        var operation = await operations.StartAsync(
            new FaultRequest(ConfirmationFaults.Error, FaultAction.Replay, new FaultFilter { Text = "another one" }), "olga", CancellationToken.None);
        var ended = await operations.WaitAsync(operation.Id, CancellationToken.None).WaitAsync(Patience);

        Assert.That((ended!.State, ended.Done), Is.EqualTo((OperationState.Done, 4)));
    }

    /// <summary>Holds up what is to be put on record of every message but the first ones, until it is released.</summary>
    private sealed class BlockedAuditTrail : IAuditTrail
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly List<AuditEntry> _entries = [];
        private int _parkings;

        /// <summary>Completes when a message is held up.</summary>
        public Task Reached => _reached.Task;

        public IReadOnlyList<AuditEntry> Entries
        {
            get
            {
                lock (_entries)
                {
                    return [.. _entries];
                }
            }
        }

        public void Release() => _released.TrySetResult();

        public async Task WriteAsync(AuditEntry entry, CancellationToken cancellationToken)
        {
            if (entry.Event == AuditEvent.Park && Interlocked.Increment(ref _parkings) > Unheld)
            {
                _reached.TrySetResult();
                await _released.Task.WaitAsync(cancellationToken);
            }

            lock (_entries)
            {
                _entries.Add(entry);
            }
        }

        public Task<IReadOnlyList<AuditEntry>> ReadAsync(AuditQuery query, CancellationToken cancellationToken) => Task.FromResult(Entries);
    }
}
