using System.Text.Json;
using System.Text.Json.Nodes;
using Contracts;
using Microsoft.Extensions.DependencyInjection;
using Notifications.Worker.Pipeline;
using Orders.Email.Deliveries;
using Orders.FaultQueues;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Queues;

namespace Orders.Tests.EndToEnd;

/// <summary>Each order is emailed once, however often its message comes: with the ledger in memory, and on Valkey with a broker.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.InMemoryAndOnQuorumQueues))]
internal sealed class OrdersOnceTests(TransportUnderTest transport) : OrderSystemTests
{
    private const int SentBefore = 103;
    private const int SetAside = 210;
    private const int NotSent = 102;
    private const int Held = 2144;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Cleanup _cleanup = new();
    private ValkeyServer? _valkey;

    [OneTimeSetUp]
    public async Task StartValkeyAsync() => _valkey = transport.Broker is null ? null : _cleanup.Add(await ValkeyServer.StartNewAsync());

    [OneTimeTearDown]
    public Task StopValkeyAsync() => _cleanup.RunAsync();

    [Test]
    public async Task A_message_that_comes_again_makes_no_second_email()
    {
        await StartAsync();
        var orderId = NewOrder();

        await SendAsync(orderId);
        await TheSystem.Mail.WaitForMessages(1);
        await SendAsync(orderId);
        await TheSystem.Log.WaitFor<NotificationConsumer<OrderPlaced>>(SentBefore);

        Assert.That(TheSystem.ConfirmedOrders, Is.EqualTo([orderId]));
    }

    [Test]
    public async Task One_that_comes_while_the_first_is_being_sent_waits_for_it_and_uses_nothing_up()
    {
        await StartAsync();
        var orderId = NewOrder();
        var hold = TheSystem.Mail.Hold(SmtpStep.EndOfData);

        await SendAsync(orderId);
        await hold.Reached();
        await SendAsync(orderId);
        // More often than there are redeliveries.
        await TheSystem.Log.WaitFor<LedgerEmailSender>(Held, 10);
        hold.Release();
        await TheSystem.Log.WaitFor<NotificationConsumer<OrderPlaced>>(SentBefore);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(TheSystem.ConfirmedOrders, Is.EqualTo([orderId]));
            Assert.That(TheSystem.Log.Of<NotificationConsumer<OrderPlaced>>(NotSent), Is.Empty);
        }
    }

    [Test]
    public async Task A_fault_whose_email_was_sent_is_replayed_a_hundred_times_and_sends_none()
    {
        const int Replays = 100;
        await StartAsync([.. FailingOrders.Settings]);
        var orderId = NewOrder();
        await TheSystem.FailAsync(orderId);
        TheSystem.Mail.AsUsual(SmtpStep.Recipient);
        await SendAsync(orderId);
        await TheSystem.Mail.WaitFor("the email", _ => TheSystem.Confirmations.Count == 1);

        await using (var session = await TheSystem.Faults.OpenAsync(OrderConfirmationEndpoint.ErrorQueue, CancellationToken.None))
        {
            var fault = await session!.ReadAsync(CancellationToken.None).SingleAsync();
            for (var replay = 1; replay <= Replays; replay++)
            {
                // As who dies over it each time, before it has taken the fault away; every other one a person.
                await session.SendAsync(
                    fault, OrderConfirmationEndpoint.Queue, fault.Message.ForReplay(replay, replay % 2 == 0 ? Guid.NewGuid() : null), CancellationToken.None);
            }
        }

        await TheSystem.Log.WaitFor<NotificationConsumer<OrderPlaced>>(SentBefore, Replays);
        Assert.That(TheSystem.ConfirmedOrders, Is.EqualTo([orderId]));
    }

    [Test]
    public async Task Where_nobody_can_say_a_person_decides_and_then_it_is_sent_once_more()
    {
        await StartAsync(("Ledger__UnknownOutcome", "Park"));
        var orderId = NewOrder();
        TheSystem.Mail.Once(SmtpStep.EndOfData, SmtpReply.TakeAndDrop);

        await SendAsync(orderId);
        var parked = await TheSystem.WaitForParked(1);
        // Another message of the same order is no decision.
        await SendAsync(orderId);
        await TheSystem.WaitForParked(2);
        var undecided = TheSystem.ConfirmedOrders.Count();
        await ActAsync(ConfirmationFaults.Parked, FaultAction.Replay);
        await TheSystem.Log.WaitFor<NotificationConsumer<OrderPlaced>>(SentBefore);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(parked.Single().Text("x-parked-reason"), Does.StartWith("Permanent: Nobody can say whether the mail server took the email."));
            Assert.That(undecided, Is.EqualTo(1));
            Assert.That(TheSystem.ConfirmedOrders, Is.EqualTo([orderId, orderId]), "Two were replayed: the first was sent, the second found it so.");
        }
    }

    [Test]
    public async Task By_default_it_is_sent_again_with_the_same_Message_ID()
    {
        await StartAsync();
        var orderId = NewOrder();
        TheSystem.Mail.Once(SmtpStep.EndOfData, SmtpReply.TakeAndDrop);

        await SendAsync(orderId);

        await TheSystem.Mail.WaitForMessages(2);
        Assert.That(TheSystem.ConfirmedOrders, Is.EqualTo([orderId, orderId]));
    }

    [Test]
    public async Task Another_order_with_its_id_is_parked_as_a_conflict()
    {
        await StartAsync();
        var orderId = NewOrder();
        await TheSystem.PlaceAsync(orderId);
        var confirmed = await WaitForStatusAsync(orderId, "confirmed");

        await SendAsync(orderId, product: "Phone");
        var parked = await TheSystem.WaitForParked(1);
        var alert = await WaitForAlertAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(parked.Single().Text("x-parked-reason"), Is.EqualTo($"Conflict: The order id {orderId} is that of another order, with another address or product."));
            Assert.That(parked.Single().Text("x-failure-kind"), Is.EqualTo("Conflict"));
            Assert.That(alert.Text, Does.Contain(orderId).And.Not.Contain("customer@example.com"));
            Assert.That(TheSystem.Log.Of<NotificationConsumer<OrderPlaced>>(NotSent), Is.Empty, "Nothing was tried again.");
            Assert.That(TheSystem.ConfirmedOrders, Is.EqualTo([orderId]));
            Assert.That(await StatusAsync(orderId), Is.EqualTo(confirmed));
        }
    }

    [TestCase("another@example.com")]
    [TestCase("nobody", Description = "It breaks a rule as well.")]
    public async Task Of_an_order_that_waits_for_its_replay_too_and_that_one_is_as_it_was(string email)
    {
        await StartAsync([.. FailingOrders.Settings]);
        var (orderId, next) = (NewOrder(), NewOrder());
        await TheSystem.FailAsync(orderId);
        var retrying = await WaitForStatusAsync(orderId, "retrying", attempts: 4);

        await SendAsync(orderId, email);
        var parked = await TheSystem.WaitForParked(1);
        // As often as people like.
        await ActAsync(ConfirmationFaults.Parked, FaultAction.Replay);
        await WaitForAlertAsync(2);
        TheSystem.Mail.AsUsual(SmtpStep.Recipient);
        // What was published before the email of this one has been heard when it is confirmed.
        await TheSystem.PlaceAsync(next);
        await WaitForStatusAsync(next, "confirmed");
        var unchanged = await StatusAsync(orderId);
        await ActAsync(ConfirmationFaults.Error, FaultAction.Replay);
        var confirmed = await WaitForStatusAsync(orderId, "confirmed");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(parked.Single().Text("x-failure-kind"), Is.EqualTo("Conflict"));
            Assert.That(unchanged, Is.EqualTo(retrying));
            Assert.That(confirmed, Does.Not.Contain("failed\""));
            Assert.That(TheSystem.Confirmations.Select(mail => mail.Recipients.Single()), Is.EqualTo(["customer@example.com", "customer@example.com"]));
            Assert.That(TheSystem.ConfirmedOrders, Is.EqualTo([next, orderId]));
        }
    }

    [Test]
    public async Task A_correction_that_breaks_a_rule_is_no_other_order()
    {
        await StartAsync([.. FailingOrders.Settings, ("Faults__AllowEditing", "true")]);
        var orderId = NewOrder();
        await TheSystem.FailAsync(orderId);
        var fault = (await TheSystem.ReadAsync(OrderConfirmationEndpoint.ErrorQueue)).Single();

        var edited = JsonSerializer.SerializeToUtf8Bytes(new OrderPlaced(orderId, "nobody", "Laptop", DateTimeOffset.UtcNow), JsonSerializerOptions.Web);
        await TheSystem.Worker.GetRequiredService<FaultOperations>().ReplayEditedAsync(
            ConfirmationFaults.Error, FaultReading.IdOf(fault), edited, "application/json", "a test", "olga", CancellationToken.None);

        var setAside = await TheSystem.Log.WaitFor<FaultSorter>(SetAside, 2);
        Assert.That(setAside[^1], Does.Contain("(Permanent)"));
    }

    private static string NewOrder() => $"{Guid.NewGuid():N}";

    private async Task StartAsync(params (string Name, string? Value)[] settings) => TheSystem = await OrderSystem.StartAsync(
        transport, settings: [.. settings, .. _valkey?.Settings ?? []]);

    private Task SendAsync(string orderId, string email = "customer@example.com", string product = "Laptop") => TheSystem.SendRawAsync(
        JsonSerializer.SerializeToUtf8Bytes(new OrderPlaced(orderId, email, product, DateTimeOffset.UtcNow), JsonSerializerOptions.Web),
        "application/json");

    private Task<string> StatusAsync(string orderId) => TheSystem.Http.GetStringAsync(new Uri($"/orders/{orderId}", UriKind.Relative));

    private Task<string> WaitForStatusAsync(string orderId, string status, int attempts = 0) => Eventually.GetAsync(
        $"order {orderId} is {status}",
        _ => StatusAsync(orderId),
        found => JsonNode.Parse(found)! is var json && (string?)json["status"] == status && (int?)json["attempts"] >= attempts,
        Patience);

    private async Task<ReceivedMail> WaitForAlertAsync(int count = 1)
    {
        await TheSystem.Mail.WaitFor("the alert", _ => TheSystem.Alerts.Count >= count);
        return TheSystem.Alerts[^1];
    }

    private async Task ActAsync(FaultQueue queue, FaultAction action)
    {
        var operations = TheSystem.Worker.GetRequiredService<FaultOperations>();
        var operation = await operations.StartAsync(new FaultRequest(queue, action, new FaultFilter(), "a test", rate: 1_000), "olga", CancellationToken.None);
        await operations.WaitAsync(operation.Id, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));
    }
}
