using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Operations;
using Orders.Messaging.Failures;
using Orders.Tests.EndToEnd;
using RabbitMQ.Client;

namespace Orders.Tests.Producers;

/// <summary>Orders as plain JSON, of programs that know nothing of MassTransit.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.InMemoryAndOnQuorumQueues))]
internal sealed class OtherProducersTests(TransportUnderTest transport) : OrderSystemTests
{
    private const string Json = "application/json";

    [Test]
    public async Task A_plain_order_goes_through_every_retry_redelivery_and_replay_and_is_sent_back_by_a_person()
    {
        TheSystem = await OrderSystem.StartAsync(transport, settings: ("Replay__MaxAttempts", "2"));
        var tries = 0;
        TheSystem.Mail.On(SmtpStep.Recipient, recipient =>
        {
            if (recipient == OrderSystem.Operator)
            {
                return null;
            }

            Interlocked.Increment(ref tries);
            return "451 4.3.0 Try again later";
        });
        const string Order = """{"orderId":"plain-1","email":"customer@example.com","product":"Laptop","note":"kept"}""";

        await TheSystem.SendRawAsync(Encoding.UTF8.GetBytes(Order), Json, properties =>
        {
            properties.Headers!["x-tenant"] = "shop-1";
            properties.Timestamp = new AmqpTimestamp(DateTimeOffset.Parse("2026-01-31T12:00:00Z", CultureInfo.InvariantCulture).ToUnixTimeSeconds());
        });
        var parked = (await TheSystem.WaitForParked(1)).Single();
        var fault = (await TheSystem.Worker.GetRequiredService<FaultInspector>().ListAsync(ConfirmationFaults.Parked, new FaultFilter(), 0, 10, CancellationToken.None)).Items.Single();

        TheSystem.Mail.AsUsual(SmtpStep.Recipient);
        var operations = TheSystem.Worker.GetRequiredService<FaultOperations>();
        await operations.StartAsync(new FaultRequest(ConfirmationFaults.Parked, FaultAction.Replay, new FaultFilter()), "olga", CancellationToken.None);
        await TheSystem.Mail.WaitFor("the confirmation", _ => TheSystem.Confirmations.Count == 1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(tries, Is.EqualTo(3 * OrderSystem.TriesInACycle));
            Assert.That((parked.RedeliverCount, parked.Kind), Is.EqualTo((2, FailureKind.Transient)));
            Assert.That((fault.OrderId, fault.Recipient, fault.Replays), Is.EqualTo(("plain-1", "customer@example.com", 2)));
            Assert.That(JsonNode.DeepEquals(JsonNode.Parse(parked.Body.Span), JsonNode.Parse(Order)), Is.True, Encoding.UTF8.GetString(parked.Body.Span));
            Assert.That(TheSystem.Confirmations.Single().MessageId, Is.EqualTo("<order-confirmation-plain-1@shop.example>"));
            if (transport.Broker is not null)
            {
                Assert.That(parked.Text("x-tenant"), Is.EqualTo("shop-1"));
                Assert.That(TheSystem.Confirmations.Single().Text, Does.Contain("31 January 2026, 12:00 UTC"));
            }
        }
    }

    [Test]
    public async Task A_plain_order_that_breaks_a_rule_is_parked_with_the_names_of_its_fields()
    {
        TheSystem = await OrderSystem.StartAsync(transport);

        await TheSystem.SendRawAsync("""{"orderId":"1 2","email":"not an address","product":"Lap\ttop"}"""u8.ToArray(), $"{Json}; charset=utf-8");

        var parked = (await TheSystem.WaitForParked(1)).Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(parked.Kind, Is.EqualTo(FailureKind.Permanent));
            Assert.That(parked.Error, Does.StartWith("The order is not valid:").And.Contain("order id").And.Contain("email").And.Contain("product"));
            Assert.That(parked.Error, Does.Not.Contain("1 2").And.Not.Contain("not an address"));
            Assert.That(TheSystem.Confirmations, Is.Empty);
        }
    }

    [Test]
    public async Task Orders_of_a_Node_program_are_confirmed_whether_published_or_put_into_the_queue()
    {
        if (transport.Broker is null)
        {
            Assert.Ignore("No other program can reach the in-memory transport.");
        }

        if (Needs.FindProgram("node") is not { } node || Needs.FindProgram("npm") is not { } npm)
        {
            Needs.Missing("No node and npm on the PATH: apt-get install nodejs npm.");
            return;
        }

        TheSystem = await OrderSystem.StartAsync(transport);
        var folder = Directory.CreateTempSubdirectory("orders-producer-").FullName;
        try
        {
            foreach (var file in new[] { "package.json", "package-lock.json", "place-orders.js" })
            {
                File.Copy(Path.Combine(Repository.Root, "Orders.Tests", "Producers", file), Path.Combine(folder, file));
            }

            await Command.RunAsync(npm, ["ci", "--no-audit", "--no-fund"], TimeSpan.FromMinutes(2), folder: folder);
            await Place("exchange", "published-1", "published-2");
            await Place("queue", "queued-1", "queued-2");
            await TheSystem.Mail.WaitForMessages(4);

            using (Assert.EnterMultipleScope())
            {
                Assert.That(
                    TheSystem.Confirmations.Select(mail => mail.MessageId),
                    Is.EquivalentTo(new[] { "published-1", "published-2", "queued-1", "queued-2" }.Select(id => $"<order-confirmation-{id}@shop.example>")));
                Assert.That(TheSystem.Confirmations.Select(mail => mail.Text), Is.All.Contains(DateTimeOffset.UtcNow.Year.ToString(CultureInfo.InvariantCulture)).And.All.Contains("Läptop ☕"));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        Task Place(string way, params string[] orderIds)
        {
            var broker = TheSystem.BrokerOptions;
            var url = $"amqp://{broker.Username}:{broker.Password}@{broker.Host}:{broker.Port}/{Uri.EscapeDataString(broker.VirtualHost)}";
            return Command.RunAsync(
                node,
                ["place-orders.js", url, way, .. orderIds.Select(id => $$"""{"orderId":"{{id}}","email":"customer@example.com","product":"Läptop ☕"}""")],
                TimeSpan.FromSeconds(30),
                folder: folder);
        }
    }
}
