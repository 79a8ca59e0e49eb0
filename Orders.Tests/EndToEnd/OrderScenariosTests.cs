using System.Text;
using Contracts;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Notifications.Worker.Pipeline;
using Orders.Email;
using Orders.FaultQueues;
using Orders.FaultQueues.Job;
using Orders.Messaging.Failures;

namespace Orders.Tests.EndToEnd;

/// <summary>What becomes of an order, whatever carries it.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.All))]
internal sealed class OrderScenariosTests(TransportUnderTest transport) : OrderSystemTests
{
    private const int Replayed = 200;

    [Test]
    public async Task An_order_is_confirmed_by_one_email()
    {
        TheSystem = await OrderSystem.StartAsync(transport);

        await TheSystem.PlaceAsync("12345", product: "Läptop ☕");

        var mail = (await TheSystem.Mail.WaitForMessages(1))[0];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(mail.Recipients, Is.EqualTo(["customer@example.com"]));
            Assert.That(mail.MessageId, Is.EqualTo("<order-confirmation-12345@shop.example>"));
            Assert.That(mail.Subject, Does.Contain("12345"));
            Assert.That(mail.Text, Does.Contain("Läptop ☕"));
            Assert.That(mail.Html, Does.Contain("L&#xE4;ptop").Or.Contain("Läptop"));
        }
    }

    [Test]
    public async Task A_send_that_fails_once_is_tried_again_at_once()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        TheSystem.Mail.Once(SmtpStep.Recipient, "451 4.3.0 Try again");

        await TheSystem.PlaceAsync("1");

        await TheSystem.Mail.WaitForMessages(1);
        Assert.That(TheSystem.Log.Of<NotificationConsumer<OrderPlaced>>(102), Has.One.Contains("try 1 of delivery 1"));
    }

    [Test]
    public async Task A_send_that_goes_on_failing_is_redelivered_after_a_delay()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        var tries = Refuse(TheSystem.Mail, times: 5);

        await TheSystem.PlaceAsync("1");

        await TheSystem.Mail.WaitForMessages(1);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(tries(), Is.EqualTo(6));
            Assert.That(TheSystem.Log.Of<NotificationConsumer<OrderPlaced>>(102), Is.EqualTo(ExpectedTries(5)).Using<string, string>((actual, expected) => actual.Contains(expected, StringComparison.Ordinal)));
        }
    }

    [Test]
    public async Task A_fault_is_replayed_and_goes_through_every_retry_and_redelivery_again()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        // All of the first cycle, and of the first replay's cycle all but the very last try.
        var tries = Refuse(TheSystem.Mail, times: (2 * OrderSystem.TriesInACycle) - 1);

        await TheSystem.PlaceAsync("1");

        await TheSystem.Mail.WaitForMessages(1);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(tries(), Is.EqualTo(2 * OrderSystem.TriesInACycle));
            Assert.That(await TheSystem.Log.WaitFor<RedeliverJob>(Replayed), Has.Count.EqualTo(1));
            Assert.That(await TheSystem.Faults.CountAsync(OrderConfirmationEndpoint.ErrorQueue, default), Is.Zero);
        }
    }

    [Test]
    public async Task An_order_that_can_never_be_confirmed_for_now_is_parked_after_five_replays_with_one_alert()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        var tries = Refuse(TheSystem.Mail, times: int.MaxValue);

        await TheSystem.PlaceAsync("lost-1");

        var parked = await TheSystem.WaitForParked(1);
        var alert = (await TheSystem.Mail.WaitForMessages(1))[0];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(tries(), Is.EqualTo(6 * OrderSystem.TriesInACycle));
            Assert.That(TheSystem.Log.Of<RedeliverJob>(Replayed), Has.Count.EqualTo(5));
            Assert.That(parked, Has.Count.EqualTo(1));
            Assert.That(parked[0].RedeliverCount, Is.EqualTo(5));
            Assert.That(parked[0].OrderId, Is.EqualTo("lost-1"));
            Assert.That(parked[0].Text(FaultHeaders.ParkedReason), Does.StartWith("Replayed 5 times in vain"));
            Assert.That(parked[0].Text(FaultHeaders.ParkedAt), Is.Not.Null);
            Assert.That(alert.Recipients, Is.EqualTo([OrderSystem.Operator]));
            Assert.That(alert.Subject, Does.Contain("lost-1"));
            Assert.That(await TheSystem.Log.WaitFor<RedeliverJob>(201), Has.Count.EqualTo(1));
            Assert.That(TheSystem.Mail.Messages, Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task A_recipient_that_is_refused_for_good_is_parked_after_a_single_try()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        var tries = Refuse(TheSystem.Mail, times: int.MaxValue, "550 5.1.1 No such user");

        await TheSystem.PlaceAsync("1");

        var parked = await TheSystem.WaitForParked(1);
        await TheSystem.Mail.WaitForMessages(1);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(tries(), Is.EqualTo(1));
            Assert.That(parked.Single().Kind, Is.EqualTo(FailureKind.Permanent));
            Assert.That(parked.Single().RedeliverCount, Is.Zero);
            Assert.That(TheSystem.Alerts, Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task People_are_emailed_about_any_other_email_that_is_given_up()
    {
        TheSystem = await OrderSystem.StartAsync(transport);

        await TheSystem.Worker.GetRequiredService<IBus>().Publish(
            new NotificationFailed("order-packed", "12345", "B-1", "Permanent: 550 No such mailbox", DateTimeOffset.UnixEpoch));

        await TheSystem.Mail.WaitForMessages(1);
        Assert.That(TheSystem.Alerts.Select(alert => alert.Subject), Is.EqualTo(["Not sent: order-packed of order 12345 (B-1)"]));
    }

    [TestCase("this is not JSON", "application/vnd.masstransit+json", TestName = "Bytes_that_are_not_JSON_are_parked")]
    [TestCase("""{"messageType":["urn:message:Contracts:OrderPlaced"],"message":{"unexpected":true}}""", "application/vnd.masstransit+json", TestName = "JSON_of_another_shape_is_parked")]
    [TestCase("""{"messageType":["urn:message:Contracts:SomethingElse"],"message":{"orderId":"1"}}""", "application/vnd.masstransit+json", TestName = "A_message_of_an_unknown_type_is_parked")]
    [TestCase("""{"messageType":["urn:message:Contracts:OrderPlaced"],"message":{"orderId":{"a":1}}}""", "application/vnd.masstransit+json", TestName = "A_field_of_the_wrong_type_is_parked")]
    public async Task Unreadable(string body, string contentType)
    {
        TheSystem = await OrderSystem.StartAsync(transport);

        await TheSystem.SendRawAsync(Encoding.UTF8.GetBytes(body), contentType);
        var parked = (await TheSystem.WaitForParked(1)).Single();
        // The queue goes on.
        await TheSystem.PlaceAsync("after");
        await TheSystem.Mail.WaitFor("the next order's email", mail => mail.Messages.Any(message => message.MessageId.Contains("after", StringComparison.Ordinal)));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(parked.Kind, Is.EqualTo(FailureKind.Unreadable));
            Assert.That(Encoding.UTF8.GetString(parked.Body.Span), Is.EqualTo(body));
            Assert.That(parked.RedeliverCount, Is.Zero);
        }
    }

    [Test]
    public async Task An_exception_with_a_text_of_200_000_characters_takes_the_ordinary_way()
    {
        var sender = new LongWinded();
        TheSystem = await OrderSystem.StartAsync(
            transport, services => services.AddSingleton<IEmailSender>(sender), ("Replay__MaxAttempts", "1"), ("Alerts__To", null));

        await TheSystem.PlaceAsync("1");

        var parked = (await TheSystem.WaitForParked(1)).Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(sender.Tries, Is.EqualTo(2 * OrderSystem.TriesInACycle));
            Assert.That(parked.RedeliverCount, Is.EqualTo(1));
            Assert.That(parked.Error, Has.Length.LessThanOrEqualTo(300));
        }
    }

    [Test]
    public async Task Accepted_is_sent_plus_parked()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        var random = new Random(20261121);
        var fates = Enumerable.Range(0, 120).Select(_ => random.Next(10)).ToArray();
        TheSystem.Mail.On(SmtpStep.Recipient, address => Customer(address) < 0 ? null : fates[Customer(address)] switch
        {
            0 => "550 5.1.1 No such user",
            1 => "451 4.3.0 Not now, nor ever",
            2 or 3 => random.Next(2) == 0 ? "421 4.3.2 Going away" : null,
            _ => null,
        });

        await Task.WhenAll(fates.Select((_, i) => TheSystem.PlaceAsync($"{i}", $"customer-{i}@example.com")));

        var hopeless = fates.Count(fate => fate is 0 or 1);
        await TheSystem.Mail.WaitFor(
            "every email that can be sent",
            mail => mail.Messages.Count(message => Customer(message.Recipients[0]) >= 0) >= fates.Length - hopeless,
            TimeSpan.FromSeconds(60));
        var parked = await TheSystem.WaitForParked(hopeless);

        var sent = TheSystem.Confirmations.Select(mail => Customer(mail.Recipients[0])).ToArray();
        var given = parked.Select(fault => int.Parse(fault.OrderId!, null)).ToArray();
        Assert.That(sent.Concat(given).Order(), Is.EqualTo(Enumerable.Range(0, fates.Length)));

        static int Customer(string address) =>
            address.StartsWith("customer-", StringComparison.Ordinal) ? int.Parse(address.AsSpan(9, address.IndexOf('@', StringComparison.Ordinal) - 9), null) : -1;
    }

    /// <summary>Refuses customers so many times; returns how often one was offered in all.</summary>
    private static Func<int> Refuse(FakeSmtpServer mail, int times, string reply = "451 4.3.0 Try again later")
    {
        var tries = 0;
        mail.On(SmtpStep.Recipient, address => address == OrderSystem.Operator || Interlocked.Increment(ref tries) > times ? null : reply);
        return () => tries;
    }

    private static IEnumerable<string> ExpectedTries(int count) =>
        Enumerable.Range(0, count).Select(i => $"try {(i % 2) + 1} of delivery {(i / 2) + 1}");

    /// <summary>Fails with more text than an AMQP frame can hold.</summary>
    private sealed class LongWinded : IEmailSender
    {
        private int _tries;

        public int Tries => _tries;

        public Task<SentEmail> SendAsync(EmailMessage email, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _tries);
            throw new InvalidOperationException(new string('x', 200_000));
        }
    }
}
