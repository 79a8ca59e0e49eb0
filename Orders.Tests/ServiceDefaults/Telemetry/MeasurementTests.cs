using Orders.Tests.EndToEnd;

namespace Orders.Tests.ServiceDefaults.Telemetry;

/// <summary>What the system tells of itself in numbers.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.InMemoryAndOnQuorumQueues))]
internal sealed class MeasurementTests(TransportUnderTest transport) : OrderSystemTests
{
    [Test]
    public async Task An_order_that_goes_well()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        using var accepted = Measured<long>.By(TheSystem.Api, "orders.accepted", "Orders.Api");
        using var refused = Measured<long>.By(TheSystem.Api, "orders.refused", "Orders.Api");
        using var sent = Measured<long>.By(TheSystem.Worker, "emails.sent");
        using var failed = Measured<long>.By(TheSystem.Worker, "emails.failed");
        using var duration = Measured<double>.By(TheSystem.Worker, "order.confirmation.duration");

        await TheSystem.PlaceAsync("1");

        await duration.WaitForAsync(1);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(accepted.All, Is.EqualTo(["1"]));
            Assert.That(refused.All, Is.Empty);
            Assert.That(sent.All, Is.EqualTo(["1 notification=order-confirmation"]));
            Assert.That(failed.All, Is.Empty);
            Assert.That(duration.Values.Single(), Is.GreaterThan(0).And.LessThan(30));
        }
    }

    [Test]
    public async Task An_order_that_fails_for_a_while()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        using var sent = Measured<long>.By(TheSystem.Worker, "emails.sent");
        using var failed = Measured<long>.By(TheSystem.Worker, "emails.failed");
        using var replayed = Measured<long>.By(TheSystem.Worker, "faults.replayed");
        using var parked = Measured<long>.By(TheSystem.Worker, "faults.parked");
        var tries = 0;
        TheSystem.Mail.On(SmtpStep.Recipient, _ => Interlocked.Increment(ref tries) > OrderSystem.TriesInACycle ? null : "451 4.3.0 Try again later");

        await TheSystem.PlaceAsync("1");

        await sent.WaitForAsync(1);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(failed.All, Is.EqualTo(Enumerable.Repeat("1 error.type=transient notification=order-confirmation", OrderSystem.TriesInACycle)));
            Assert.That(replayed.All, Is.EqualTo(["1 by=job messaging.destination.name=order-confirmation"]));
            Assert.That(parked.All, Is.Empty);
        }
    }

    [Test]
    public async Task An_order_that_fails_for_good()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        using var sent = Measured<long>.By(TheSystem.Worker, "emails.sent");
        using var failed = Measured<long>.By(TheSystem.Worker, "emails.failed");
        using var parked = Measured<long>.By(TheSystem.Worker, "faults.parked");
        TheSystem.Mail.On(SmtpStep.Recipient, recipient => recipient == OrderSystem.Operator ? null : "550 5.1.1 No such user");

        await TheSystem.PlaceAsync("1");

        await sent.WaitForAsync(1);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(sent.All, Is.EqualTo(["1 notification=alert"]));
            Assert.That(failed.All, Is.EqualTo(["1 error.type=permanent notification=order-confirmation"]));
            Assert.That(await parked.WaitForAsync(1), Is.EqualTo(["1 by=job error.type=permanent messaging.destination.name=order-confirmation"]));
        }
    }

    [Test]
    public async Task The_mail_server_is_away()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        using var outage = Measured<int>.By(TheSystem.Worker, "mail.outage");
        var before = outage.Observe();
        await TheSystem.Mail.Stop();

        await TheSystem.PlaceAsync("1");

        await Eventually.GetAsync("an outage", _ => Task.FromResult(outage.Observe()), values => values is ["1"], TimeSpan.FromSeconds(20));
        TheSystem.Mail.Restart();
        await TheSystem.Mail.WaitForMessages(1);
        await Eventually.GetAsync("its end", _ => Task.FromResult(outage.Observe()), values => values is ["0"], TimeSpan.FromSeconds(20));
        Assert.That(before, Is.EqualTo(["0"]));
    }

    [Test]
    public async Task Connections_to_the_mail_server()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        var content = TheSystem.Mail.Hold(SmtpStep.Data);
        using var connections = Measured<int>.By(TheSystem.Worker, "smtp.client.connections");
        using var sent = Measured<long>.By(TheSystem.Worker, "emails.sent");

        await TheSystem.PlaceAsync("1");
        await content.Reached();
        var during = connections.Observe();
        content.Release();
        await sent.WaitForAsync(1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(during, Is.EqualTo(["1 state=used", "0 state=idle"]));
            Assert.That(connections.Observe(), Is.EqualTo(["0 state=used", "1 state=idle"]));
        }
    }
}
