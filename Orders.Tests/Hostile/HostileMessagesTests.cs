using CsCheck;
using Microsoft.Extensions.Logging;
using Orders.FaultQueues;
using Orders.FaultQueues.Job;
using Orders.Messaging.Failures;
using Orders.Tests.EndToEnd;
using RabbitMQ.Client;

namespace Orders.Tests.Hostile;

/// <summary>Ten thousand hostile messages straight into the workers' queue.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnQuorumQueues))]
[Long]
[Alone]
internal sealed class HostileMessagesTests(TransportUnderTest transport) : OrderSystemTests
{
    private const int Messages = 10_000;
    private const int InFlight = 256;

    [Test]
    [CancelAfter(420_000)]
    public async Task Ten_thousand_hostile_messages_are_parked_or_are_orders_and_no_email_goes_out_that_was_not_meant(CancellationToken cancellationToken)
    {
        TheSystem = await OrderSystem.StartAsync(transport, settings: [("Replay__MaxAttempts", "1"), ("Alerts__To", null)]);
        var allowed = new HashSet<(string OrderId, string Email)> { ("good", "customer@example.com") };

        await using (var connection = await TheSystem.ConnectAsync())
        {
            await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true), cancellationToken);
            foreach (var portion in HostileMessage.Generate(PCG.Parse("0N0XIzNsQ0O2")).Take(Messages).Chunk(InFlight))
            {
                await Task.WhenAll(portion.Select(message =>
                {
                    allowed.Add((message.Order.OrderId, message.Order.Email));
                    var properties = new BasicProperties { Headers = new Dictionary<string, object?>() };
                    message.Configure(properties);
                    return channel.BasicPublishAsync("", OrderConfirmationEndpoint.Queue, mandatory: true, properties, message.Body, cancellationToken).AsTask();
                }));
            }
        }

        await TheSystem.PlaceAsync("good");
        await Eventually.GetAsync(
            "an email or a place in parking for each message",
            async _ => (Emails: TheSystem.Mail.Messages.Count, Parked: await TheSystem.CountAsync(OrderConfirmationEndpoint.ParkingQueue)),
            count => count.Emails + count.Parked >= Messages + 1,
            TimeSpan.FromMinutes(5));

        await TheSystem.WaitForCountAsync(OrderConfirmationEndpoint.ErrorQueue, 0);
        var parked = await TheSystem.ReadAsync(OrderConfirmationEndpoint.ParkingQueue);
        await TestContext.Out.WriteLineAsync($"{TheSystem.Mail.Messages.Count} emails, {parked.Count} parked: {string.Join(", ", parked.GroupBy(fault => fault.Kind).Select(kind => $"{kind.Count()} {kind.Key}"))}");
        TheSystem.Mail.ExpectOnly(allowed);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(TheSystem.ConfirmedOrders, Is.Unique.And.Contain("good"));
            Assert.That(TheSystem.Mail.Messages.Count + parked.Count, Is.EqualTo(Messages + 1));
            Assert.That(parked.Where(fault => fault.Kind == FailureKind.Transient).Select(fault => (fault.Error, fault.ContentType)).Take(5), Is.Empty, "To try them again is no use.");
            Assert.That(await TheSystem.Log.WaitFor<RedeliverJob>(201, parked.Count), Has.Count.EqualTo(parked.Count), "Parked once each.");
            Assert.That(TheSystem.Log.Of<FaultSorter>(212), Is.Empty, "What could not be set aside.");
            Assert.That(TheSystem.Log.Of<FaultSorter>(211).Take(5), Is.Empty, "What nobody foresaw.");
            Assert.That(TheSystem.Log.All.Where(entry => entry.Level == LogLevel.Error && entry.Category.Split('.')[0] is "Notifications" or "Orders").Select(entry => $"{entry.Category}: {entry.Message}").Take(5), Is.Empty);
            foreach (var queue in new[] { OrderConfirmationEndpoint.Queue, OrderConfirmationEndpoint.ErrorQueue })
            {
                Assert.That(await TheSystem.CountAsync(queue), Is.Zero, queue);
            }
        }
    }
}
