using System.Diagnostics;
using System.Text;
using Contracts;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Orders.FaultQueues;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Operations;
using Orders.Messaging.Failures;
using RabbitMQ.Client;

namespace Orders.Tests.EndToEnd;

/// <summary>Parcels: the second notification gets everything that the first one has, by its registration alone.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.InMemoryAndOnQuorumQueues))]
internal sealed class ShipmentsTests(TransportUnderTest transport) : OrderSystemTests
{
    private FaultEndpoint Endpoint => TheSystem.Worker.GetRequiredService<FaultEndpoints>().Get("order-shipped");

    private static readonly OrderShipped Shipment = new("12345", "customer@example.com", "1Z999", "Acorn Parcel", null, DateTimeOffset.UtcNow);

    [Test]
    public async Task Each_parcel_of_an_order_is_told_of_once_beside_its_confirmation()
    {
        TheSystem = await OrderSystem.StartAsync(transport);

        await TheSystem.PlaceAsync("12345");
        await PublishAsync(Shipment);
        await TheSystem.Mail.WaitFor("the first parcel", _ => Emails.Count == 1);
        await PublishAsync(Shipment);
        await PublishAsync(Shipment with { TrackingNumber = "1Z998" });

        await TheSystem.Mail.WaitFor("the second parcel and the confirmation", _ => Emails.Count == 2 && TheSystem.Confirmations.Count == 1);
        Assert.That(
            Emails.Select(email => email.MessageId),
            Is.EqualTo(["<order-shipped-12345+1Z999@shop.example>", "<order-shipped-12345+1Z998@shop.example>"]));
    }

    [Test]
    public async Task A_parcel_of_a_program_that_knows_nothing_of_MassTransit_is_told_of()
    {
        TheSystem = await OrderSystem.StartAsync(transport);

        await TheSystem.SendRawAsync(
            """{"orderId":"plain-1","email":"customer@example.com","trackingNumber":"1Z999","note":"ignored"}"""u8.ToArray(), "application/json", queue: Endpoint.Queue);

        await TheSystem.Mail.WaitFor("the email", _ => Emails.Count == 1);
        Assert.That(Emails.Single().Text, Does.Contain("plain-1"));
    }

    [Test]
    public async Task An_email_that_no_mailbox_takes_is_parked_alerted_and_sent_when_a_person_replays_it()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        TheSystem.Mail.On(SmtpStep.Recipient, recipient => recipient == OrderSystem.Operator ? null : "550 5.1.1 User unknown");

        await PublishAsync(Shipment);
        await TheSystem.Mail.WaitFor("the alert", _ => TheSystem.Alerts.Count == 1);
        var alert = TheSystem.Alerts.Single();
        var parked = (await TheSystem.Worker.GetRequiredService<FaultInspector>().ListAsync(Endpoint.Parked, new FaultFilter(), 0, 10, CancellationToken.None)).Items.Single();
        TheSystem.Mail.AsUsual(SmtpStep.Recipient);
        await TheSystem.Worker.GetRequiredService<FaultOperations>().StartAsync(
            new FaultRequest(Endpoint.Parked, FaultAction.Replay, new FaultFilter()), "olga", CancellationToken.None);
        await TheSystem.Mail.WaitFor("the email", _ => Emails.Count == 1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(alert.Subject, Does.Contain("order-shipped").And.Contain("12345"));
            Assert.That(alert.Text, Does.Contain("1Z999").And.Contain("order-shipped_parked"));
            Assert.That((parked.OrderId, parked.Recipient, parked.Kind), Is.EqualTo(("12345", "customer@example.com", FailureKind.Permanent)));
            Assert.That(TheSystem.Confirmations, Is.Empty);
        }
    }

    [Test]
    public async Task What_fails_for_a_while_is_delivered_again_replayed_by_the_job_and_sent()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        var tries = 0;
        TheSystem.Mail.On(SmtpStep.Recipient, _ => Interlocked.Increment(ref tries) <= OrderSystem.TriesInACycle + 1 ? "451 4.3.0 Try again later" : null);

        await PublishAsync(Shipment);

        await TheSystem.Mail.WaitFor("the email", _ => Emails.Count == 1);
        Assert.That(tries, Is.EqualTo(OrderSystem.TriesInACycle + 2), "one cycle, and the second try after a replay by the job");
    }

    /// <summary>They have different queues, and a place in the line for the connections to the mail server for each message in hand.</summary>
    [Long]
    [Test]
    public async Task Thousands_of_parcels_do_not_keep_a_confirmation_waiting()
    {
        const int Parcels = 20_000;
        if (transport.Broker is null)
        {
            Assert.Ignore("Its queues have no length in memory.");
        }

        TheSystem = await OrderSystem.StartAsync(transport);
        await using var connection = await TheSystem.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
        foreach (var portion in Enumerable.Range(0, Parcels).Chunk(500))
        {
            await Task.WhenAll(portion.Select(number => channel.BasicPublishAsync(
                "Contracts:OrderShipped",
                "",
                mandatory: true,
                new BasicProperties { ContentType = "application/json", Persistent = true },
                Encoding.UTF8.GetBytes($$"""{"orderId":"many-{{number}}","email":"customer@example.com","trackingNumber":"1Z"}""")).AsTask()));
        }

        var watch = Stopwatch.StartNew();
        await TheSystem.PlaceAsync("in-between");
        await TheSystem.Mail.WaitFor("the confirmation", _ => TheSystem.Confirmations.Count == 1);
        var took = watch.Elapsed;
        var waiting = await TheSystem.CountAsync(Endpoint.Queue);

        TestContext.Out.WriteLine($"The confirmation was out after {took.TotalSeconds:0.00} s, with {waiting} parcels in the queue.");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(waiting, Is.GreaterThan(1_000), "else nothing was in its way");
            Assert.That(took, Is.LessThan(TimeSpan.FromSeconds(6)));
        }
    }

    private IReadOnlyList<ReceivedMail> Emails => TheSystem.EmailsOf(Endpoint.Queue);

    private Task PublishAsync(OrderShipped shipment) => TheSystem.Api.GetRequiredService<IBus>().Publish(shipment);
}
