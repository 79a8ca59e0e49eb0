using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Orders.FaultQueues.Backlog;
using Orders.Tests.EndToEnd;
using RabbitMQ.Client;

namespace Orders.Tests.FaultQueues.Backlog;

/// <summary>What is told of the queues, by what is in them.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnBrokers))]
internal sealed class BacklogTests(TransportUnderTest transport) : OrderSystemTests
{
    private const string Destination = "messaging.destination.name";

    private readonly Cleanup _cleanup = new();
    private Measured<long> _messages = null!;
    private Measured<long> _consumers = null!;
    private Measured<double> _age = null!;

    [TearDown]
    public Task StopMeasuringAsync() => _cleanup.RunAsync();

    [Test]
    public async Task Orders_in_hand_and_behind_them()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await StartWorkerAsync(("OrderConfirmation__Concurrency", "1"), ("OrderConfirmation__Prefetch", "1"));
        var content = TheSystem.Mail.Hold(SmtpStep.Data);

        foreach (var order in new[] { "1", "2", "3" })
        {
            await PlaceAnHourAgoAsync(order);
        }

        await content.Reached();
        await WaitForAsync(OrderConfirmationEndpoint.Queue, messages: 2);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_consumers.Observe(Destination, OrderConfirmationEndpoint.Queue), Is.EqualTo(1));
            Assert.That(_age.Observe(Destination, OrderConfirmationEndpoint.Queue), Is.InRange(3600, 3700));
        }

        content.Release();
        await TheSystem.Mail.WaitForMessages(3);
        await WaitForAsync(OrderConfirmationEndpoint.Queue, messages: 0);
        await Eventually.GetAsync(
            "nothing in hand", _ => Task.FromResult(_age.Observe(Destination, OrderConfirmationEndpoint.Queue)), age => age == 0, TimeSpan.FromSeconds(20));
    }

    [Test]
    public async Task Orders_that_no_worker_takes()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.DeclareFaultQueuesAsync(transport.QueueType);
        await PlaceAnHourAgoAsync("1");
        await StartWorkerAsync(("Worker__Role", "Faults"));

        await WaitForAsync(OrderConfirmationEndpoint.Queue, messages: 1);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_consumers.Observe(Destination, OrderConfirmationEndpoint.Queue), Is.Zero);
            Assert.That(_age.Observe(Destination, OrderConfirmationEndpoint.Queue), Is.GreaterThan(0), "It has waited at least since it was seen.");
        }
    }

    [Test]
    public async Task Faults()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await StartWorkerAsync(FailingOrders.Settings);
        await TheSystem.StartApiAsync();
        await TheSystem.FailAsync("1", "2");
        TheSystem.Mail.On(SmtpStep.Recipient, recipient => recipient == OrderSystem.Operator ? null : "550 5.1.1 No such user");
        await TheSystem.PlaceAsync("3");
        await TheSystem.WaitForParked(1);

        await WaitForAsync(OrderConfirmationEndpoint.ErrorQueue, messages: 2);
        await WaitForAsync(OrderConfirmationEndpoint.ParkingQueue, messages: 1);
        await Eventually.GetAsync(
            "the job's look", _ => Task.FromResult(_age.Observe(Destination, OrderConfirmationEndpoint.ErrorQueue)), age => age is > 0 and < 120, TimeSpan.FromSeconds(20));
        Assert.That(_age.Observe(Destination, OrderConfirmationEndpoint.ParkingQueue), Is.GreaterThan(0).And.LessThan(120));
    }

    [Test]
    public async Task Orders_that_wait_for_their_next_delivery()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await StartWorkerAsync(("DelayedRedelivery__Intervals__0", "01:00:00"));
        await TheSystem.StartApiAsync();
        TheSystem.RefuseConfirmations();

        await TheSystem.PlaceAsync("1");

        await WaitForAsync("order-confirmation_delay_3600000", messages: 1);
        Assert.That(_messages.Observe().Select(measurement => measurement.Split('=')[1]), Is.SupersetOf(
        [
            "order-confirmation", "order-confirmation_error", "order-confirmation_parked", "order-confirmation_delay_50", "order-confirmation_delay_100",
            "order-confirmation-alert", "order-confirmation-alert_delay_20", "order-confirmation-outage-alert", "order-confirmation-outage-alert_delay_20",
        ]));
    }

    [Long]
    [Test]
    public async Task A_broker_that_is_away()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport, ownNetwork: true);
        await StartWorkerAsync();
        await WaitForAsync(OrderConfirmationEndpoint.Queue, messages: 0);

        TheSystem.Network.Cut();
        await LookAsync();
        var seen = _messages.Observe();
        TheSystem.Network.Mend();

        Assert.That(seen, Is.Empty, "What was true once may be true no more.");
    }

    private async Task StartWorkerAsync(params (string Name, string? Value)[] settings)
    {
        await TheSystem.StartWorkerAsync(null, settings);
        _messages = _cleanup.Add(Measured<long>.By(TheSystem.Worker, "orders.queue.messages"));
        _consumers = _cleanup.Add(Measured<long>.By(TheSystem.Worker, "orders.queue.consumers"));
        _age = _cleanup.Add(Measured<double>.By(TheSystem.Worker, "orders.queue.oldest_message.age"));
    }

    private Task LookAsync() => TheSystem.Worker.GetRequiredService<BacklogWatch>().LookAsync(CancellationToken.None);

    private Task PlaceAnHourAgoAsync(string orderId) => TheSystem.SendRawAsync(
        Encoding.UTF8.GetBytes($$"""{"orderId":"{{orderId}}","email":"customer@example.com","product":"Laptop"}"""),
        "application/json",
        properties => properties.Timestamp = new AmqpTimestamp(DateTimeOffset.UtcNow.AddHours(-1).ToUnixTimeSeconds()));

    /// <summary>Looks again and again: RabbitMQ's own counts lag behind.</summary>
    private Task<long?> WaitForAsync(string queue, long messages) => Eventually.GetAsync(
        $"{messages} messages in {queue}",
        async _ =>
        {
            await LookAsync();
            return _messages.Observe(Destination, queue);
        },
        found => found == messages,
        TimeSpan.FromSeconds(30));
}
