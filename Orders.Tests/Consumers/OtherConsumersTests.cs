using System.Text;
using System.Text.Json.Nodes;
using Orders.Messaging.Operators;
using Orders.Tests.EndToEnd;
using RabbitMQ.Client;

namespace Orders.Tests.Consumers;

/// <summary>Consumers that neither the API nor the worker knows of.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnQuorumQueues))]
internal sealed class OtherConsumersTests(TransportUnderTest transport) : OrderSystemTests
{
    [Test]
    public async Task A_second_consumer_gets_every_order_too()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        await using var connection = await TheSystem.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        var queue = await BindAsync(channel, "Contracts:OrderPlaced", "");

        await Task.WhenAll(Enumerable.Range(1, 10).Select(number => TheSystem.PlaceAsync($"{number}")));

        var orders = await TakeAsync(channel, queue, 10);
        await TheSystem.Mail.WaitForMessages(10);
        Assert.That(orders.Select(order => (string?)order.Body["message"]!["orderId"]), Is.EquivalentTo(Enumerable.Range(1, 10).Select(number => $"{number}")));
    }

    [Test]
    public async Task Who_wants_to_know_is_told_of_each_delivery_that_failed_and_is_made_again()
    {
        TheSystem = await OrderSystem.StartAsync(transport, settings: [("Replay__MaxAttempts", "1"), ("Replay__Backoff__0", "00:00:01")]);
        TheSystem.RefuseConfirmations();
        await using var connection = await TheSystem.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        await channel.ExchangeDeclareAsync("Contracts:OrderConfirmationRetrying", ExchangeType.Fanout, durable: true);
        var queue = await BindAsync(channel, "Contracts:OrderConfirmationRetrying", "");

        await TheSystem.PlaceAsync("1");
        await TheSystem.WaitForParked(1);

        // Four deliveries, a replay, and four more; after the last one it is parked.
        var told = (await TakeAsync(channel, queue, 7)).Select(message => message.Body["message"]!).ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(told.Select(message => (string?)message["orderId"]), Is.All.EqualTo("1"));
            Assert.That(told.Select(message => (int)message["attempts"]!), Is.EqualTo([1, 2, 3, 4, 5, 6, 7]));
            Assert.That(
                told.Select(message => ((DateTimeOffset)message["nextAttemptAt"]! - (DateTimeOffset)message["at"]!).TotalMilliseconds),
                Is.EqualTo([50, 50, 100, 1_000, 50, 50, 100]));
            Assert.That(told.Select(message => (string?)message["reason"]), Is.All.EqualTo("The mail server refused the recipient with 451: 4.3.0 Try again later"));
        }
    }

    [Test]
    public async Task Operators_get_what_they_bind_to()
    {
        TheSystem = await OrderSystem.StartAsync(transport, settings: ("Replay__MaxAttempts", "1"));
        TheSystem.Mail.On(SmtpStep.Recipient, recipient =>
            recipient.StartsWith("busy", StringComparison.Ordinal) ? "451 4.3.0 Try again later"
            : recipient.StartsWith("gone", StringComparison.Ordinal) ? "550 5.1.1 No such user"
            : null);
        await using var connection = await TheSystem.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        // The exchange is there though nothing has happened yet.
        var failed = await BindAsync(channel, OperatorEvents.Exchange, "*.failed.#");
        var parked = await BindAsync(channel, OperatorEvents.Exchange, "order-confirmation.parked.*");

        await TheSystem.PlaceAsync("good");
        await TheSystem.PlaceAsync("busy", "busy@example.com");
        await TheSystem.PlaceAsync("gone", "gone@example.com");
        await TheSystem.SendRawAsync("not JSON"u8.ToArray(), "application/json");

        await TheSystem.WaitForParked(3);
        var failures = await TakeAsync(channel, failed, 4);
        var parkings = await TakeAsync(channel, parked, 3);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                failures.Select(failure => (failure.Key, (string?)failure.Body["orderId"])),
                Is.EquivalentTo(new[]
                {
                    ("order-confirmation.failed.transient", "busy"),
                    ("order-confirmation.failed.transient", "busy"),
                    ("order-confirmation.failed.permanent", "gone"),
                    ("order-confirmation.failed.unreadable", (string?)null),
                }));
            Assert.That(
                parkings.Select(parking => (parking.Key, (string?)parking.Body["orderId"])),
                Is.EquivalentTo(new[]
                {
                    ("order-confirmation.parked.transient", "busy"),
                    ("order-confirmation.parked.permanent", "gone"),
                    ("order-confirmation.parked.unreadable", (string?)null),
                }));
            foreach (var (key, type, body) in failures.Concat(parkings))
            {
                Assert.That((string?)body["key"], Is.EqualTo(key));
                Assert.That(type, Is.EqualTo("application/json"));
                Assert.That((string?)body["reason"], Is.Not.Empty.And.Not.Contain("@").And.Not.Contain("\n"));
                Assert.That((DateTimeOffset)body["at"]!, Is.EqualTo(DateTimeOffset.UtcNow).Within(TimeSpan.FromMinutes(5)));
            }
        }
    }

    [Test]
    public async Task Operators_hear_when_an_outage_of_the_mail_server_begins_and_when_it_has_ended()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        await using var connection = await TheSystem.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        var outages = await BindAsync(channel, OperatorEvents.Exchange, "order-confirmation.outage.*");
        await TheSystem.Mail.Stop();

        await TheSystem.PlaceAsync("1");
        var began = await TakeAsync(channel, outages, 1);
        TheSystem.Mail.Restart();
        var ended = await TakeAsync(channel, outages, 1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(began[0].Key, Is.EqualTo("order-confirmation.outage.began"));
            Assert.That(ended[0].Key, Is.EqualTo("order-confirmation.outage.ended"));
            Assert.That((DateTimeOffset)ended[0].Body["at"]!, Is.GreaterThan((DateTimeOffset)began[0].Body["at"]!));
        }
    }

    [Test]
    public async Task An_exchange_that_somebody_deleted_holds_up_neither_faults_nor_parking()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        TheSystem.Mail.On(SmtpStep.Recipient, recipient => recipient == OrderSystem.Operator ? null : "550 5.1.1 No such user");
        await using var connection = await TheSystem.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        await TheSystem.PlaceAsync("1");
        await TheSystem.WaitForParked(1);
        await channel.ExchangeDeleteAsync(OperatorEvents.Exchange);

        await Task.WhenAll(Enumerable.Range(2, 9).Select(number => TheSystem.PlaceAsync($"{number}")));

        Assert.That((await TheSystem.WaitForParked(10)).Select(fault => fault.OrderId), Is.EquivalentTo(Enumerable.Range(1, 10).Select(number => $"{number}")));
    }

    private static async Task<string> BindAsync(IChannel channel, string exchange, string key)
    {
        var queue = (await channel.QueueDeclareAsync()).QueueName;
        await channel.QueueBindAsync(queue, exchange, key);
        return queue;
    }

    /// <summary>Takes so many messages out of a queue, and finds no more in it.</summary>
    private static async Task<IReadOnlyList<(string Key, string? Type, JsonNode Body)>> TakeAsync(IChannel channel, string queue, int count)
    {
        var taken = new List<(string, string?, JsonNode)>();
        await Eventually.GetAsync(
            $"{count} messages in {queue}",
            async cancellationToken =>
            {
                while (await channel.BasicGetAsync(queue, autoAck: true, cancellationToken) is { } message)
                {
                    taken.Add((message.RoutingKey, message.BasicProperties.ContentType, JsonNode.Parse(Encoding.UTF8.GetString(message.Body.Span))!));
                }

                return taken.Count;
            },
            found => found >= count,
            TimeSpan.FromSeconds(20));
        Assert.That(taken, Has.Count.EqualTo(count));
        return taken;
    }
}
