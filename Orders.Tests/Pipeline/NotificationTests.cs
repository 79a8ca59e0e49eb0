using System.Text;
using Contracts;
using Notifications.Worker.Pipeline;
using Orders.Email;
using Orders.FaultQueues;
using Orders.Messaging.Failures;

namespace Orders.Tests.Pipeline;

/// <summary>What every notification gets from its policy alone, shown by one that only these tests know.</summary>
public sealed class NotificationTests
{
    private const int Sent = 100;
    private const int SentBefore = 103;
    private const int NotSent = 102;

    private static readonly OrderPacked Packed = new("12345", "customer@example.com", "B-1", null, new DateTimeOffset(2026, 11, 21, 12, 0, 0, TimeSpan.Zero));

    [Test]
    public async Task An_email_that_is_sent_is_announced_with_what_it_is_about()
    {
        var sender = new ScriptedEmailSender();
        await using var harness = await StartAsync(sender);

        await harness.Bus.Bus.Publish(Packed);

        var announced = await harness.PublishedAsync<NotificationSent>();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                (announced.Notification, announced.OrderId, announced.Reference, announced.MessageId),
                Is.EqualTo(("order-packed", "12345", "B-1", "<order-packed-12345+B-1@shop.example>")));
            Assert.That(
                sender.Sent.Select(email => (email.Notification, email.MessageId, email.To, email.Subject, email.Key)),
                Is.EqualTo([("order-packed", announced.MessageId, "customer@example.com", "Box B-1 of your order 12345 is packed", "12345+B-1")]));
            Assert.That(harness.Log.Of<NotificationConsumer<OrderPacked>>(Sent), Is.EqualTo(["The email <order-packed-12345+B-1@shop.example> was sent"]));
        }
    }

    [Test]
    public async Task It_is_sent_once_and_once_for_each_reference()
    {
        var sender = new ScriptedEmailSender();
        await using var harness = await StartAsync(sender, remembers: true);

        await harness.Bus.Bus.Publish(Packed);
        await harness.Log.WaitFor<NotificationConsumer<OrderPacked>>(Sent);
        await harness.Bus.Bus.Publish(Packed);
        await harness.Log.WaitFor<NotificationConsumer<OrderPacked>>(SentBefore);
        await harness.Bus.Bus.Publish(Packed with { Box = "B-2" });
        await harness.Log.WaitFor<NotificationConsumer<OrderPacked>>(Sent, count: 2);

        Assert.That(sender.Sent.Select(email => email.MessageId), Is.EqualTo(["<order-packed-12345+B-1@shop.example>", "<order-packed-12345+B-2@shop.example>"]));
    }

    [Test]
    public async Task The_same_ids_with_other_content_are_a_conflict()
    {
        await using var harness = await StartAsync(remembers: true);
        await harness.Bus.Bus.Publish(Packed);
        await harness.Log.WaitFor<NotificationConsumer<OrderPacked>>(Sent);

        await harness.Bus.Bus.Publish(Packed with { Note = "fragile" });

        var fault = await harness.FaultAsync();
        Assert.That(
            (fault.Kind, fault.Error),
            Is.EqualTo((FailureKind.Conflict, "There is another box of order 12345 with the box B-1, and it says something else.")));
    }

    [Test]
    public async Task Of_a_message_with_mistakes_nothing_is_told_by_the_ids_of_another_one()
    {
        await using var harness = await StartAsync(remembers: true);
        await harness.Bus.Bus.Publish(Packed);
        await harness.Log.WaitFor<NotificationConsumer<OrderPacked>>(Sent);

        await harness.Bus.Bus.Publish(Packed with { Note = "longer than it may be" });

        Assert.That((await harness.FaultAsync()).Kind, Is.EqualTo(FailureKind.Conflict));
    }

    [TestCase("12345", "customer", "B-1", null, "The email must be one address")]
    [TestCase("12345", "customer@example.com", "B-1", "longer than it may be", "The note must have 10 characters at most.")]
    [TestCase("1 2", "customer@example.com", "B-1", null, "The order id must have")]
    // What the policy does not look for, but could not be told of when the message is parked.
    [TestCase("12345", "customer@example.com", "B 1", null, "The field box must have 1 to 64 characters of letters, digits, '.', '_' and '-'.")]
    [TestCase("12345", "customer@example.com", null, null, "The field box must have 1 to 64 characters of letters, digits, '.', '_' and '-'.")]
    public async Task A_message_that_breaks_a_rule_is_set_aside_unsent(string orderId, string email, string? box, string? note, string mistake)
    {
        var sender = new ScriptedEmailSender();
        await using var harness = await StartAsync(sender);

        await harness.Bus.Bus.Publish(new OrderPacked(orderId, email, box!, note, default));

        var fault = await harness.FaultAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((fault.Kind, sender.Tries), Is.EqualTo((FailureKind.Permanent, 0)));
            Assert.That(fault.Error, Does.StartWith($"The box is not valid: {mistake}"));
            Assert.That(harness.PublishedSoFar<NotificationRetrying>(), Is.Empty);
        }
    }

    [Test]
    public async Task A_message_with_nothing_in_it_that_is_known_is_unreadable()
    {
        await using var harness = await StartAsync();

        await harness.Bus.Bus.Publish(new OrderPacked(null!, null!, null!, null, Packed.PackedAt));

        var fault = await harness.FaultAsync();
        Assert.That(
            (fault.Kind, fault.Error),
            Is.EqualTo((FailureKind.Unreadable, "The message is not an OrderPacked: orderId, email, box and note are missing.")));
    }

    [Test]
    public async Task Each_delivery_that_fails_and_is_made_again_is_announced()
    {
        await using var harness = await StartAsync(new ScriptedEmailSender(_ => new TransientEmailException("451 try again")));

        await harness.Bus.Bus.Publish(Packed);

        await harness.FaultAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(harness.Log.Of<NotificationConsumer<OrderPacked>>(NotSent), Has.Count.EqualTo(8).And.All.StartsWith("The email <order-packed-12345+B-1@shop.example> was not sent"));
            Assert.That(
                harness.PublishedSoFar<NotificationRetrying>().Select(retrying => (retrying.Notification, retrying.OrderId, retrying.Reference, retrying.Attempts, retrying.Reason)),
                Is.EqualTo(Enumerable.Range(1, 4).Select(attempts => ("order-packed", "12345", "B-1", attempts, "451 try again"))));
        }
    }

    [Test]
    public async Task A_message_that_is_parked_is_announced_with_what_can_be_read_of_it()
    {
        await using var harness = await StartAsync();
        await harness.Bus.Bus.Publish(Packed with { Email = "customer" });
        var fault = await harness.FaultAsync();

        await harness.AnnounceParkedAsync(fault, fault.OrderId);

        Assert.That(
            await harness.PublishedAsync<NotificationFailed>(),
            Is.EqualTo(new NotificationFailed("order-packed", "12345", "B-1", $"Permanent: {fault.Error}", DateTimeOffset.UnixEpoch)));
    }

    [TestCase("""{"orderId":"1","box":"B 1"}""", "1", null)]
    [TestCase("""{"orderId":"1"}""", "1", null)]
    // The ids are those of another message, or nobody can say whose they are.
    [TestCase("""{"orderId":"1","box":"B-1"}""", null, null)]
    [TestCase("no box", null, null)]
    public async Task What_cannot_be_told_of_a_parked_message_is_left_out(string body, string? orderId, string? reference)
    {
        await using var harness = await StartAsync();

        await harness.AnnounceParkedAsync(new FaultMessage(Encoding.UTF8.GetBytes(body), "application/json", new Dictionary<string, object?>()), orderId);

        var failed = await harness.PublishedAsync<NotificationFailed>();
        Assert.That((failed.OrderId, failed.Reference), Is.EqualTo((orderId, reference)));
    }

    [Test]
    public async Task A_message_without_a_time_has_that_of_its_sending()
    {
        var sender = new ScriptedEmailSender();
        await using var harness = await StartAsync(sender);

        await harness.Bus.Bus.Publish(Packed with { PackedAt = default });

        await harness.PublishedAsync<NotificationSent>();
        Assert.That(sender.Sent.Single().Text, Does.StartWith("By Acorn Shop, at 20").And.Not.Contain("0001-01-01"));
    }

    [Test]
    public async Task How_long_the_customer_has_waited_is_measured()
    {
        await using var harness = await StartAsync();
        using var all = Measured<double>.By(harness.Services, "notification.duration");
        using var confirmations = Measured<double>.By(harness.Services, "order.confirmation.duration");

        await harness.Bus.Bus.Publish(Packed with { PackedAt = DateTimeOffset.UtcNow.AddMinutes(-1) });

        var measured = await all.WaitForAsync(1);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(measured.Single(), Does.EndWith(" notification=order-packed"));
            Assert.That(all.Values.Single(), Is.InRange(60, 120));
            Assert.That(confirmations.Values, Is.Empty);
        }
    }

    private static Task<NotificationHarness> StartAsync(ScriptedEmailSender? sender = null, bool remembers = false) =>
        NotificationHarness.StartAsync(sender ?? new ScriptedEmailSender(), new OrderPackedNotification(), remembers: remembers);
}
