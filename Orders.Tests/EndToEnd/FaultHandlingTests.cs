using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orders.Email;
using Orders.FaultQueues;
using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Queues;

namespace Orders.Tests.EndToEnd;

/// <summary>What a person does about orders whose emails failed.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.All))]
internal sealed class FaultHandlingTests(TransportUnderTest transport) : OrderSystemTests
{
    private const string Who = "olga";

    [SetUp]
    public async Task StartAsync() => TheSystem = await OrderSystem.StartAsync(
        // However many emails fail in a test, they do so one by one.
        transport, settings: [.. FailingOrders.Settings, ("Email__Outage__Suspects", "1000")]);

    [Test]
    public async Task Orders_that_failed_in_two_ways_are_two_groups_and_one_replay_confirms_them_all()
    {
        TheSystem.Mail.On(SmtpStep.Recipient, recipient => recipient.EndsWith("busy.example", StringComparison.Ordinal) ? "451 4.3.0 Try again later" : SmtpReply.Drop);
        var orders = Enumerable.Range(1, 30).SelectMany(number => new[] { "busy", "gone" }.Select(host => (Id: $"{host}-{number}", Host: host))).ToArray();
        await Task.WhenAll(orders.Select(order => TheSystem.PlaceAsync(order.Id, $"customer@{order.Host}.example")));
        await WaitForFaultsAsync(orders.Length, orders.Length);

        // What the job has looked at may still be on its way back into the queue.
        var groups = await Eventually.GetAsync(
            "all of them in the overview",
            async cancellationToken => (await Inspector.GetOverviewsAsync(cancellationToken)).Single(queue => (queue.Endpoint, queue.Queue) == ("order-confirmation", FaultQueueKind.Error)).Groups,
            groups => groups.Sum(group => group.Count) == orders.Length,
            TimeSpan.FromSeconds(60));
        TheSystem.Mail.AsUsual(SmtpStep.Recipient);
        var operation = await ActAsync(new FaultRequest(ConfirmationFaults.Error, FaultAction.Replay, new FaultFilter(), "the mail server is mended", rate: 1_000));
        await TheSystem.Mail.WaitForMessages(orders.Length);

        var audit = await ReadAuditAsync(orders.Length + 2, operation.Id);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                groups.Select(group => (group.ExceptionType, group.Count)),
                Is.EquivalentTo(new[] { typeof(TransientEmailException), typeof(MailServerUnavailableException) }
                    .Select(type => (type.FullName, 30))));
            Assert.That((operation.State, operation.Done, operation.Gone), Is.EqualTo((OperationState.Done, orders.Length, 0)));
            Assert.That(await Inspector.CountAsync(ConfirmationFaults.Error, CancellationToken.None), Is.Zero);
            Assert.That(TheSystem.Confirmations.Select(mail => mail.MessageId), Is.EquivalentTo(orders.Select(order => $"<order-confirmation-{order.Id}@shop.example>")));
            Assert.That(audit.Select(entry => entry.Who).Distinct(), Is.EqualTo([Who]));
            Assert.That(audit[0].Event, Is.EqualTo(AuditEvent.End));
            Assert.That(audit[^1].Event, Is.EqualTo(AuditEvent.Begin));
            Assert.That(audit.Skip(1).SkipLast(1).Select(entry => entry.OrderId), Is.EquivalentTo(orders.Select(order => order.Id)));
        }
    }

    [Test]
    public async Task A_fault_is_parked_sent_back_with_a_fresh_count_and_what_is_discarded_is_gone()
    {
        TheSystem.RefuseConfirmations();
        await TheSystem.PlaceAsync("kept");
        await TheSystem.PlaceAsync("discarded");
        await WaitForFaultsAsync(2, 2);

        var parking = await ActAsync(new FaultRequest(ConfirmationFaults.Error, FaultAction.Park, new FaultFilter(), "closed for the night"));
        var parked = await Inspector.ListAsync(ConfirmationFaults.Parked, new FaultFilter(), 0, 10, CancellationToken.None);
        var discarding = await ActAsync(new FaultRequest(ConfirmationFaults.Parked, FaultAction.Discard, new FaultFilter { OrderId = "discarded" }, "a test order"));
        TheSystem.Mail.AsUsual(SmtpStep.Recipient);
        await ActAsync(new FaultRequest(ConfirmationFaults.Parked, FaultAction.Replay, new FaultFilter { OrderId = "kept" }));
        await TheSystem.Mail.WaitFor("the confirmation", _ => TheSystem.Confirmations.Count == 1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((parking.Done, discarding.Done), Is.EqualTo((2, 1)));
            Assert.That(TheSystem.Log.At(LogLevel.Critical), Has.One.StartsWith($"The message about kept is parked in order-confirmation_parked and waits for a person. Parked by {Who}: closed for the night"));
            Assert.That(parked.Items.Select(fault => fault.ParkedReason), Is.All.EqualTo($"Parked by {Who}: closed for the night"));
            Assert.That(TheSystem.Confirmations.Single().MessageId, Is.EqualTo("<order-confirmation-kept@shop.example>"));
            Assert.That(await Inspector.CountAsync(ConfirmationFaults.Error, CancellationToken.None), Is.Zero);
            Assert.That(await Inspector.CountAsync(ConfirmationFaults.Parked, CancellationToken.None), Is.Zero);
            Assert.That((await ReadAuditAsync(4, parking.Id)).Select(entry => entry.Event), Is.EqualTo([AuditEvent.End, AuditEvent.Park, AuditEvent.Park, AuditEvent.Begin]));
        }
    }

    [Test]
    public async Task The_next_fault_of_a_message_sent_back_from_parking_counts_from_nothing()
    {
        TheSystem.RefuseConfirmations();
        await TheSystem.PlaceAsync("1");
        await WaitForFaultsAsync(1, 1);
        await ActAsync(new FaultRequest(ConfirmationFaults.Error, FaultAction.Replay, new FaultFilter()));
        await WaitForFaultsAsync(2, 1);
        var replayed = await ListErrorsAsync();

        await ActAsync(new FaultRequest(ConfirmationFaults.Error, FaultAction.Park, new FaultFilter(), "no hope"));
        await ActAsync(new FaultRequest(ConfirmationFaults.Parked, FaultAction.Replay, new FaultFilter()));
        await WaitForFaultsAsync(3, 1);
        var sentBack = await ListErrorsAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(replayed.Single().Replays, Is.EqualTo(1));
            Assert.That(sentBack.Single().Replays, Is.Zero);
            Assert.That(sentBack.Single().ParkedReason, Is.Null);
            Assert.That(sentBack.Single().MessageId, Is.EqualTo(replayed.Single().MessageId));
        }
    }

    [Test]
    public async Task A_cancelled_operation_leaves_the_rest_where_it_is()
    {
        TheSystem.RefuseConfirmations();
        await Task.WhenAll(Enumerable.Range(1, 10).Select(number => TheSystem.PlaceAsync($"{number}")));
        await WaitForFaultsAsync(10, 10);

        var operation = await Operations.StartAsync(
            new FaultRequest(ConfirmationFaults.Error, FaultAction.Park, new FaultFilter(), "slowly", rate: 0.1), Who, CancellationToken.None);
        await Eventually.GetAsync(
            "the first message is parked", _ => Task.FromResult(Operations.Find(operation.Id)!.Done), done => done == 1, TimeSpan.FromSeconds(20));
        var cancelled = await Operations.CancelAsync(operation.Id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((cancelled!.State, cancelled.Done, cancelled.Total), Is.EqualTo((OperationState.Cancelled, 1, 10)));
            Assert.That(await Inspector.CountAsync(ConfirmationFaults.Error, CancellationToken.None), Is.EqualTo(9));
            Assert.That(await Inspector.CountAsync(ConfirmationFaults.Parked, CancellationToken.None), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task The_jobs_own_parkings_are_on_record()
    {
        TheSystem.Mail.On(SmtpStep.Recipient, recipient => recipient == OrderSystem.Operator ? null : "550 5.1.1 No such mailbox");
        await TheSystem.PlaceAsync("1");
        await TheSystem.WaitForParked(1);

        var entry = (await ReadAuditAsync(1)).Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((entry.Who, entry.Event, entry.OrderId), Is.EqualTo((AuditEntry.RedeliverJob, AuditEvent.Park, "1")));
            Assert.That(entry.Reason, Does.StartWith("Permanent: "));
        }
    }

    private FaultInspector Inspector => TheSystem.Worker.GetRequiredService<FaultInspector>();

    private FaultOperations Operations => TheSystem.Worker.GetRequiredService<FaultOperations>();

    private async Task<IReadOnlyList<Fault>> ListErrorsAsync() =>
        (await Inspector.ListAsync(ConfirmationFaults.Error, new FaultFilter(), 0, 100, CancellationToken.None)).Items;

    private async Task<FaultOperation> ActAsync(FaultRequest request)
    {
        var operation = await Operations.StartAsync(request, Who, CancellationToken.None);
        return (await Operations.WaitAsync(operation.Id, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60)))!;
    }

    /// <summary>Waits until messages have been set aside so often since the test began, and the last of them are in their queue.</summary>
    private async Task WaitForFaultsAsync(int setAside, int waiting)
    {
        await TheSystem.Log.WaitFor<FaultSorter>(210, setAside);
        await Eventually.GetAsync(
            $"{waiting} messages in the error queue",
            cancellationToken => Inspector.CountAsync(ConfirmationFaults.Error, cancellationToken),
            count => count == waiting,
            TimeSpan.FromSeconds(20));
    }

    private Task<IReadOnlyList<AuditEntry>> ReadAuditAsync(int count, string? operation = null) => Eventually.GetAsync(
        $"{count} entries in the audit trail",
        cancellationToken => TheSystem.Worker.GetRequiredService<IAuditTrail>().ReadAsync(new AuditQuery(operation, Take: 1_000), cancellationToken),
        entries => entries.Count >= count,
        TimeSpan.FromSeconds(20));
}
