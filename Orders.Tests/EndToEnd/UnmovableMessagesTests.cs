using System.Text;
using Contracts;
using CsCheck;
using Microsoft.Extensions.DependencyInjection;
using Orders.FaultQueues;
using Orders.FaultQueues.Audit;
using Orders.Messaging.Failures;
using Orders.Tests.Hostile;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Orders.Tests.EndToEnd;

/// <summary>Messages that the broker took once and does not take again as they are, when they are to be set aside or delayed.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnQuorumQueues))]
internal sealed class UnmovableMessagesTests(TransportUnderTest transport) : OrderSystemTests
{
    private const string Json = "application/json";
    private const string Envelope = "application/vnd.masstransit+json";
    private const string Broken = """{"orderId":"U1","email":"nobody","product":"Laptop"}""";
    private const string Busy = """{"orderId":"U1","email":"busy@example.com","product":"Laptop"}""";
    private const int Innocent = 60;

    /// <summary>RabbitMQ takes up to 131,072 bytes of properties and headers; what failures add comes on top.</summary>
    private static readonly string Large = new('x', 128_500);

    /// <summary>Nothing can be added to this one.</summary>
    private static readonly string Larger = new('x', 130_900);

    private static IEnumerable<TestCaseData> Messages =>
    [
        Case("user id", Broken, Json, FailureKind.Permanent, "The order is not valid", "user_id", (properties, user) => properties.UserId = user),
        Case("user id, mail server busy", Busy, Json, FailureKind.Transient, "451", null, (properties, user) => properties.UserId = user),
        Case("large header", Broken, Json, FailureKind.Permanent, "The order is not valid", "x-large (128500 bytes)", (properties, _) => properties.Headers!["x-large"] = Large),
        Case("large header of an unreadable message", "nothing", Envelope, FailureKind.Unreadable, "", "x-large (128500 bytes)", (properties, _) => properties.Headers!["x-large"] = Large),
        Case("large header, mail server busy", Busy, Json, FailureKind.Transient, "451", "x-large", (properties, _) => properties.Headers!["x-large"] = Larger),
        Case("many headers", Broken, Json, FailureKind.Permanent, "The order is not valid", "x-999", (properties, _) =>
        {
            for (var number = 0; number < 1_000; number++)
            {
                properties.Headers![$"x-{number}"] = new string('x', 120 + (number / 999));
            }
        }),
        Case("time to live", Broken, Json, FailureKind.Permanent, "The order is not valid", "expiration", (properties, _) => properties.Expiration = "20000"),
        Case("large header of ours", Broken, Json, FailureKind.Permanent, "The order is not valid", "MT-Large (128500 bytes)", (properties, _) => properties.Headers!["MT-Large"] = Large),
        Case(
            "large header in the envelope, mail server busy",
            $$$"""{"messageType":["urn:message:Contracts:OrderPlaced"],"headers":{"x-large":"{{{Larger}}}{{{Larger}}}"},"message":{{{Busy}}}}""",
            Envelope,
            FailureKind.Transient,
            "451",
            "x-large",
            (_, _) => { }),
    ];

    [TestCaseSource(nameof(Messages))]
    public async Task A_message_that_cannot_be_moved_as_it_is_is_parked_with_its_reason_and_touches_no_other_order(
        string body, string contentType, FailureKind kind, string reason, string? leftOut, Action<BasicProperties, string> configure)
    {
        TheSystem = await OrderSystem.StartAsync(transport, settings: ("Replay__MaxAttempts", "1"));
        TheSystem.Mail.On(SmtpStep.Recipient, recipient => recipient.StartsWith("busy", StringComparison.Ordinal) ? "451 4.3.0 Try again later" : null);
        await TheSystem.DeployUsersAsync();

        var consumers = await ListConsumersAsync();
        await using (var connection = await TheSystem.ConnectAsync(BrokerUsers.Topology))
        await using (var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true)))
        {
            var properties = new BasicProperties { ContentType = contentType, Persistent = true, Headers = new Dictionary<string, object?>() };
            configure(properties, BrokerUsers.Topology);
            await channel.BasicPublishAsync("", OrderConfirmationEndpoint.Queue, mandatory: true, properties, Encoding.UTF8.GetBytes(body));
        }

        await ExpectInnocentEmailsAsync();
        var parked = (await TheSystem.WaitForParked(1)).Single();
        await TheSystem.Mail.WaitFor("the alert", _ => TheSystem.Alerts.Count == 1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(TheSystem.ConfirmedOrders, Is.Unique);
            Assert.That(parked.Kind, Is.EqualTo(kind));
            Assert.That(parked.Error, Does.Contain(reason));
            Assert.That(parked.Text(FaultHeaders.LeftOut), leftOut is null ? Is.Null : Does.Contain(leftOut));
            Assert.That(parked.Text(FaultHeaders.ParkedReason), Is.Not.Empty);
            Assert.That(Encoding.UTF8.GetString(parked.Body.Span), Does.Contain(contentType == Json ? "U1" : ""));
            Assert.That(TheSystem.Log.Of<FaultSorter>(212), Is.Empty, "what could not be set aside");
            Assert.That(await ListConsumersAsync(), Is.EqualTo(consumers), "No channel of the worker's was closed.");
        }
    }

    [Test]
    public async Task A_message_larger_than_the_client_takes_by_itself_stops_no_other_order()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        await TheSystem.DeployUsersAsync();
        var large = new byte[65 * 1024 * 1024];
        large.AsSpan().Fill((byte)'x');
        if (!await IsTakenAsync(new BasicProperties { ContentType = Json }, large))
        {
            Assert.Ignore("This broker takes no message of 65 MiB.");
        }

        await ExpectInnocentEmailsAsync();
        await TheSystem.WaitForParked(1);
    }

    [Test]
    public async Task While_the_error_queue_takes_nothing_a_message_waits_for_it_and_no_other_order_does()
    {
        TheSystem = await OrderSystem.StartAsync(transport, settings: ("Worker__Role", "Confirmations"));
        await TheSystem.RunCtlAsync("set_policy", "--apply-to", "queues", "full", $"^{OrderConfirmationEndpoint.ErrorQueue}$", """{"max-length":1,"overflow":"reject-publish"}""");

        // One after the other: a quorum queue takes a few more than the limit before it tells its publishers.
        var messages = 0u;
        while (TheSystem.Log.Of<FaultSorter>(212).Count == 0 && messages < 20)
        {
            messages++;
            await TheSystem.SendRawAsync(Encoding.UTF8.GetBytes(Broken.Replace("U1", $"U{messages}", StringComparison.Ordinal)), Json);
            await Eventually.GetAsync(
                "an outcome",
                _ => Task.FromResult(TheSystem.Log.Of<FaultSorter>(210).Count + TheSystem.Log.Of<FaultSorter>(212).Count),
                outcomes => outcomes >= messages,
                TimeSpan.FromSeconds(20));
        }

        await ExpectInnocentEmailsAsync();
        Assert.That(TheSystem.Log.Of<FaultSorter>(212), Has.Count.InRange(1, 20), "It is not delivered again and again.");
        await TheSystem.RunCtlAsync("clear_policy", "full");

        await TheSystem.WaitForCountAsync(OrderConfirmationEndpoint.ErrorQueue, messages);
    }

    [Test]
    public async Task An_error_queue_of_another_form_closes_no_channel_of_ours()
    {
        TheSystem = await OrderSystem.StartAsync(transport, settings: ("Worker__Role", "Confirmations"));
        await using (var connection = await TheSystem.ConnectAsync())
        await using (var channel = await connection.CreateChannelAsync())
        {
            await channel.QueueDeclareAsync(
                OrderConfirmationEndpoint.ErrorQueue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-message-ttl"] = 86_400_000 });
        }

        var consumers = await ListConsumersAsync();
        await TheSystem.SendRawAsync(Encoding.UTF8.GetBytes(Broken), Json);
        await ExpectInnocentEmailsAsync();
        await TheSystem.WaitForCountAsync(OrderConfirmationEndpoint.ParkingQueue, 1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(TheSystem.Log.Of<FaultSorter>(213).Single(), Does.Contain("PRECONDITION_FAILED"));
            Assert.That(TheSystem.Log.Of<FaultSorter>(210), Is.Empty, "It is not in the error queue.");
            Assert.That(await ListConsumersAsync(), Is.EqualTo(consumers), "No channel of the worker's was closed.");
        }
    }

    [Test]
    public async Task An_order_with_a_header_as_large_as_can_be_is_confirmed_like_every_other()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        var consumers = await ListConsumersAsync();

        await TheSystem.SendRawAsync(
            """{"orderId":"U1","email":"customer@example.com","product":"Laptop"}"""u8.ToArray(), Json, properties => properties.Headers!["x-large"] = Larger);
        await Task.WhenAll(Enumerable.Range(0, Innocent).Select(number => TheSystem.PlaceAsync($"good-{number}")));
        await TheSystem.Mail.WaitFor("every order's email", _ => TheSystem.ConfirmedOrders.Distinct().Count() == Innocent + 1, TimeSpan.FromSeconds(15));
        await TheSystem.WaitForCountAsync(OrderConfirmationEndpoint.Queue, 0);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(TheSystem.ConfirmedOrders, Is.Unique);
            Assert.That(await ListConsumersAsync(), Is.EqualTo(consumers), "No channel of the worker's was closed.");
        }
    }

    [Test]
    public async Task A_message_that_the_broker_takes_for_no_queue_from_us_is_parked_by_the_broker_and_its_reason_told_before()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.DeployUsersAsync();
        await TheSystem.DeployTopologyAsync();
        // Everything but the error queue.
        await TheSystem.RunCtlAsync("set_permissions", BrokerUsers.Worker, "^$", "^(order-[a-z]+_(delay|audit)|order-notifications(_watch)?|Contracts:.*|MassTransit:Fault--Contracts:Order[A-Za-z]+--)$", "^order-[a-z]+$");
        await TheSystem.StartWorkerAsync(settings: [("Worker__Role", "Confirmations"), .. BrokerUsers.SettingsOf(BrokerUsers.Worker)]);
        await TheSystem.StartWorkerAsync(settings: [("Worker__Role", "Faults"), .. BrokerUsers.SettingsOf(BrokerUsers.Redeliver)]);
        await TheSystem.StartApiAsync(BrokerUsers.SettingsOf(BrokerUsers.Api));
        var consumers = await ListConsumersAsync();

        await TheSystem.SendRawAsync(Encoding.UTF8.GetBytes(Broken), Json);
        await ExpectInnocentEmailsAsync();
        await TheSystem.WaitForCountAsync(OrderConfirmationEndpoint.ParkingQueue, 1);
        await TheSystem.Mail.WaitFor("the alert", _ => TheSystem.Alerts.Count == 1);
        var audit = await Eventually.GetAsync(
            "the record",
            cancellationToken => TheSystem.Worker.GetRequiredService<IAuditTrail>().ReadAsync(new AuditQuery(Subject: "U1"), cancellationToken),
            entries => entries.Count > 0,
            TimeSpan.FromSeconds(15));
        var parked = await Eventually.GetAsync(
            "the reason on the message",
            _ => TheSystem.ReadAsync(OrderConfirmationEndpoint.ParkingQueue),
            faults => faults.Count == 1 && faults[0].Text(FaultHeaders.ParkedReason) is not null,
            TimeSpan.FromSeconds(15));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(TheSystem.ConfirmedOrders, Is.Unique);
            Assert.That(audit.Select(entry => (entry.Who, entry.Event)), Is.EqualTo([(AuditEntry.Worker, AuditEvent.Park)]));
            Assert.That(audit[0].Reason, Does.StartWith("The order is not valid:").And.Contain("ACCESS_REFUSED"));
            Assert.That(parked[0].Text(FaultHeaders.ParkedReason), Is.EqualTo(audit[0].Reason));
            Assert.That(TheSystem.Alerts.Single().Text, Does.Contain("U1").And.Contain("The order is not valid"));
            Assert.That(TheSystem.Log.Of<FaultSorter>(213), Has.Count.EqualTo(1));
            Assert.That(await ListConsumersAsync(), Is.EqualTo(consumers), "No channel of the worker's was closed.");
        }
    }

    [Long]
    [TestCase(300)]
    public async Task Whatever_the_broker_takes_is_an_email_or_is_parked_and_touches_no_other_order(int generated)
    {
        TheSystem = await OrderSystem.StartAsync(transport, settings: [("Replay__MaxAttempts", "1"), ("Alerts__To", null)]);
        await TheSystem.DeployUsersAsync();
        var consumers = await ListConsumersAsync();
        var random = PCG.Parse("0N0XIzNsQ0O2");
        var taken = 0;

        foreach (var (number, message) in HostileMessage.Generate(random).Take(generated).Index())
        {
            var properties = new BasicProperties { Headers = new Dictionary<string, object?>() };
            message.Configure(properties);
            HostileMessage.MakeUnmovable(properties, BrokerUsers.Topology, random);
            taken += await IsTakenAsync(properties, message.Body) ? 1 : 0;
            if (number % 5 == 0)
            {
                await TheSystem.PlaceAsync($"good-{number}");
            }
        }

        var good = TheSystem.ConfirmedOrders.Where(order => order.StartsWith("good-", StringComparison.Ordinal));
        await TheSystem.Mail.WaitFor("every good order's email", _ => good.Distinct().Count() == generated / 5, TimeSpan.FromSeconds(30));
        await Eventually.GetAsync(
            "an email or a place in parking for each message",
            async _ => TheSystem.Mail.Messages.Count + await TheSystem.CountAsync(OrderConfirmationEndpoint.ParkingQueue),
            count => count >= taken + (generated / 5),
            TimeSpan.FromSeconds(90));
        var parked = await TheSystem.ReadAsync(OrderConfirmationEndpoint.ParkingQueue);

        await TestContext.Out.WriteLineAsync($"{taken} of {generated} taken by the broker, {TheSystem.Mail.Messages.Count} emails, {parked.Count} parked, {parked.Count(fault => fault.Text(FaultHeaders.LeftOut) is not null)} of them with something left out");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(taken, Is.GreaterThan(generated / 2));
            Assert.That(TheSystem.ConfirmedOrders, Is.Unique);
            Assert.That(TheSystem.Mail.Messages.Count + parked.Count, Is.EqualTo(taken + (generated / 5)));
            Assert.That(parked.Where(fault => string.IsNullOrEmpty(fault.Text(FaultHeaders.ParkedReason))), Is.Empty);
            Assert.That(await TheSystem.CountAsync($"{QueueNames.OrderStatus}_error"), Is.Zero, "What others are told can be read.");
            Assert.That(TheSystem.Log.Of<FaultSorter>(212), Is.Empty, "what could not be set aside");
            Assert.That(await ListConsumersAsync(), Is.EqualTo(consumers), "No channel of the worker's was closed.");
        }
    }

    private async Task ExpectInnocentEmailsAsync()
    {
        await Task.WhenAll(Enumerable.Range(0, Innocent).Select(number => TheSystem.PlaceAsync($"good-{number}")));
        await TheSystem.Mail.WaitFor("every other order's email", _ => TheSystem.ConfirmedOrders.Distinct().Count() == Innocent, TimeSpan.FromSeconds(15));
        Assert.That(TheSystem.ConfirmedOrders, Is.Unique);
    }

    /// <summary>Whether the broker takes a message for the workers' queue; it may close the connection instead.</summary>
    private async Task<bool> IsTakenAsync(BasicProperties properties, byte[] body)
    {
        try
        {
            await using var connection = await TheSystem.ConnectAsync(BrokerUsers.Topology);
            await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
            await channel.BasicPublishAsync("", OrderConfirmationEndpoint.Queue, mandatory: true, properties, body);
            return true;
        }
        catch (Exception exception) when (exception is OperationInterruptedException or AlreadyClosedException)
        {
            return false;
        }
    }

    /// <summary>The consumers of orders, each with the process of its channel in the broker.</summary>
    private async Task<string[]> ListConsumersAsync() =>
    [
        .. (await TheSystem.RunCtlAsync("list_consumers", "--no-table-headers", "queue_name", "channel_pid"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(line => line.StartsWith(OrderConfirmationEndpoint.Queue + "\t", StringComparison.Ordinal)),
    ];

    private static TestCaseData Case(
        string name, string body, string contentType, FailureKind kind, string reason, string? leftOut, Action<BasicProperties, string> configure) =>
        new TestCaseData(body, contentType, kind, reason, leftOut, configure).SetArgDisplayNames(name);
}
