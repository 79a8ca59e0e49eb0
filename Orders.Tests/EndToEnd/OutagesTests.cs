using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using Orders.FaultQueues;
using Orders.FaultQueues.Job;
using Orders.Messaging;
using Orders.Messaging.Failures;
using RabbitMQ.Client;

namespace Orders.Tests.EndToEnd;

/// <summary>What is lost when a part of the system dies: nothing.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnBrokers))]
internal sealed class OutagesTests(TransportUnderTest transport) : OrderSystemTests
{
    [Long]
    [Test]
    public async Task The_broker_is_killed_under_load()
    {
        var broker = await TestBrokers.StartAsync(transport.Broker!.Value);
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport, broker);
        await TheSystem.StartWorkerAsync();
        await TheSystem.StartApiAsync();

        var load = new OrderLoad(TheSystem);
        await load.PlaceUntilAsync("100 orders accepted", () => load.Accepted >= 100, TimeSpan.FromSeconds(60));

        await broker.SaveQueuesAsync();
        await broker.KillAsync();
        await load.PlaceWhileAsync(TheSystem.WaitForReadinessAsync(false, TimeSpan.FromSeconds(30)));
        await load.PlaceUntilAsync("an order refused", () => load.NotPlaced + load.Unknown > 0, TimeSpan.FromSeconds(30));
        await broker.StartAsync();
        await load.PlaceWhileAsync(TheSystem.WaitForReadinessAsync(true, TimeSpan.FromSeconds(90)));
        var acceptedBefore = load.Accepted;
        await load.PlaceUntilAsync("50 more orders accepted", () => load.Accepted >= acceptedBefore + 50, TimeSpan.FromSeconds(60));

        await load.ExpectEmailsAsync();
        Assert.That(TheSystem.Log.Of<RedeliverJob>(201), Is.Empty);
    }

    [Test]
    public async Task A_stopping_worker_finishes_what_it_has_begun_and_begins_nothing_new()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await using var worker = await TheSystem.StartWorkerProcessAsync(
            ("OrderConfirmation__Concurrency", "1"), ("Logging__LogLevel__MassTransit", "Debug"));
        await TheSystem.StartApiAsync();
        var hold = TheSystem.Mail.Hold(SmtpStep.EndOfData);

        await TheSystem.PlaceAsync("begun");
        await hold.Reached();
        await TheSystem.PlaceAsync("prefetched");
        var stopping = worker.WaitForLineAsync("Consumer Stopping", TimeSpan.FromSeconds(20));
        await worker.TerminateAsync();
        await stopping;
        await TheSystem.PlaceAsync("later");
        hold.Release();

        Assert.That(await worker.WaitForExitAsync(TimeSpan.FromSeconds(40)), Is.Zero);
        Assert.That(TheSystem.ConfirmedOrders, Is.EqualTo(["begun"]));
        await TheSystem.WaitForCountAsync(OrderConfirmationEndpoint.Queue, 2);
    }

    [Test]
    public async Task Two_redeliver_jobs_replay_each_fault_once()
    {
        const int Faults = 100;
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.StartWorkerAsync(settings: ("Worker__Role", "Confirmations"));
        await TheSystem.StartApiAsync();
        TheSystem.Mail.On(SmtpStep.Recipient, "451 4.3.0 Try again later");
        for (var i = 0; i < Faults; i++)
        {
            await TheSystem.PlaceAsync(Text(i));
        }

        await TheSystem.WaitForCountAsync(OrderConfirmationEndpoint.ErrorQueue, Faults);
        TheSystem.Mail.AsUsual(SmtpStep.Recipient);
        await Task.WhenAll(
            TheSystem.StartWorkerAsync(settings: ("Worker__Role", "Faults")),
            TheSystem.StartWorkerAsync(settings: ("Worker__Role", "Faults")));

        await TheSystem.Mail.WaitForMessages(Faults, TimeSpan.FromSeconds(60));
        await TheSystem.WaitForCountAsync(OrderConfirmationEndpoint.ErrorQueue, 0);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await TheSystem.Log.WaitFor<RedeliverJob>(200, Faults), Has.Count.EqualTo(Faults));
            Assert.That(TheSystem.ConfirmedOrders, Is.EquivalentTo(Enumerable.Range(0, Faults).Select(Text)));
        }
    }

    [Long]
    [Alone]
    [Test]
    public async Task Ten_thousand_faults_that_wait_keep_their_order_and_starve_no_new_one()
    {
        const int Waiting = 10_000;
        // A busy machine takes that long to read so many from a quorum queue.
        var patience = TimeSpan.FromMinutes(4);
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.StartWorkerAsync(settings: ("Worker__Role", "Confirmations"));
        await TheSystem.StartApiAsync();
        // The queue is there once something has failed.
        TheSystem.Mail.Once(SmtpStep.Recipient, "550 5.1.1 No such user");
        await TheSystem.PlaceAsync("first");
        await TheSystem.WaitForCountAsync(OrderConfirmationEndpoint.ErrorQueue, 1);
        await using var connection = await TheSystem.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
        var permanent = await channel.BasicGetAsync(OrderConfirmationEndpoint.ErrorQueue, autoAck: true);
        var now = DateTimeOffset.UtcNow;
        foreach (var batch in Enumerable.Range(0, Waiting).Chunk(500))
        {
            await Task.WhenAll(batch.Select(i => PublishFaultAsync(Text(i), now)));
        }

        // What lies there when the job starts goes by its own time.
        await PublishFaultAsync("due", now - TimeSpan.FromHours(2));
        await TheSystem.StartWorkerAsync(settings: [("Worker__Role", "Faults"), ("Replay__Backoff__0", "01:00:00")]);
        await PublishFaultAsync("new", now, FailureKind.Permanent);

        await TheSystem.Log.WaitFor<RedeliverJob>(200, timeout: patience);
        await TheSystem.Log.WaitFor<RedeliverJob>(201, timeout: patience);
        await TheSystem.Mail.WaitForMessages(1, patience);
        await TheSystem.WaitForCountAsync(OrderConfirmationEndpoint.ErrorQueue, Waiting, patience);
        var left = await Eventually.GetAsync(
            "the queue, while the job does not hold it", _ => TheSystem.ReadAsync(OrderConfirmationEndpoint.ErrorQueue), read => read.Count > 0, patience);
        Assert.That(left.Select(fault => fault.Text("test-number")), KeepsOrder
            ? Is.EqualTo(Enumerable.Range(0, Waiting).Select(Text))
            : Is.EquivalentTo(Enumerable.Range(0, Waiting).Select(Text)));
        Assert.That(TheSystem.Log.Of<RedeliverJob>(200), Has.Count.EqualTo(1));
        Assert.That((await TheSystem.ReadAsync(OrderConfirmationEndpoint.ParkingQueue)).Select(fault => fault.Text("test-number")), Is.EqualTo(["new"]));

        async Task PublishFaultAsync(string number, DateTimeOffset failedAt, FailureKind kind = FailureKind.Transient)
        {
            var headers = new Dictionary<string, object?>
            {
                ["MT-Fault-Timestamp"] = failedAt.ToString("O"),
                [FaultHeaders.FailureKind] = kind.ToString(),
                ["test-number"] = number,
            };
            await channel.BasicPublishAsync(
                "", OrderConfirmationEndpoint.ErrorQueue, mandatory: true,
                new BasicProperties(permanent!.BasicProperties) { Headers = headers }, permanent.Body);
        }
    }

    [Test]
    public async Task A_delay_queue_that_somebody_deleted_sends_the_message_to_the_error_queue()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        await using var connection = await TheSystem.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        await channel.QueueDeleteAsync($"{OrderConfirmationEndpoint.Queue}_delay_50");
        var tries = 0;
        TheSystem.Mail.On(SmtpStep.Recipient, _ => Interlocked.Increment(ref tries) <= 2 ? "451 4.3.0 Try again later" : null);

        await TheSystem.PlaceAsync("1");

        await TheSystem.Mail.WaitForMessages(1);
        Assert.That(await TheSystem.Log.WaitFor<RedeliverJob>(200), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task An_order_that_no_queue_would_take_is_not_accepted()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.StartApiAsync();

        using var response = await TheSystem.Http.PostAsJsonAsync("/orders", new { orderId = "1", email = "customer@example.com", product = "Laptop" });

        using (Assert.EnterMultipleScope())
        {
            Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            Assert.That(response.Headers.RetryAfter, Is.Not.Null);
            Assert.That(await response.Content.ReadAsStringAsync(), Does.Contain("The order was not placed"));
        }
    }

    /// <summary>Quorum queues of RabbitMQ 3 take back thousands of messages in an order of their own.</summary>
    private bool KeepsOrder => transport.QueueType == QueueType.Classic || !TheSystem.BrokerVersion.StartsWith("3.", StringComparison.Ordinal);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
