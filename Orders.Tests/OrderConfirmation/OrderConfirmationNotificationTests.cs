using Contracts;
using MassTransit;
using Notifications.Worker.Pipeline;
using Orders.Email;
using Orders.Email.Deliveries;
using Orders.Messaging.Failures;

namespace Orders.Tests.OrderConfirmation;

public sealed class OrderConfirmationNotificationTests
{
    private const int Sent = 100;
    private const int SentButNotAnnounced = 101;
    private const int NotSent = 102;

    /// <summary>Two tries in each of four deliveries.</summary>
    private static readonly string[] EveryTry =
        [.. from delivery in Enumerable.Range(1, 4) from attempt in Enumerable.Range(1, 2) select $"try {attempt} of delivery {delivery}"];

    [Test]
    public async Task A_confirmation_that_is_sent_is_announced_with_its_Message_ID()
    {
        var sender = new ScriptedEmailSender();
        await using var harness = await NotificationHarness.StartAsync(sender);

        await harness.PlaceAsync("12345");

        var announced = await harness.PublishedAsync<OrderConfirmationSent>();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(announced.OrderId, Is.EqualTo("12345"));
            Assert.That(announced.MessageId, Is.EqualTo("<order-confirmation-12345@shop.example>"));
            Assert.That(sender.Sent.Select(email => (email.MessageId, email.To)), Is.EqualTo([(announced.MessageId, "customer@example.com")]));
            Assert.That(await harness.Bus.Consumed.Any<OrderPlaced>(consumed => consumed.Exception is null), Is.True);
        }
    }

    [TestCase(1, 2)]
    [TestCase(2, 3)]
    [TestCase(5, 6)]
    [TestCase(7, 8)]
    public async Task A_send_that_fails_is_tried_again_until_it_succeeds(int failures, int tries)
    {
        var sender = new ScriptedEmailSender(attempt => attempt <= failures ? new TransientEmailException("451 try again") : null);
        await using var harness = await NotificationHarness.StartAsync(sender);

        await harness.PlaceAsync("1");

        await harness.PublishedAsync<OrderConfirmationSent>();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(sender.Tries, Is.EqualTo(tries));
            Assert.That(sender.Sent, Has.Count.EqualTo(1));
            AssertTries(harness, EveryTry.Take(failures));
        }
    }

    [Test]
    public async Task Without_retries_a_failed_send_is_redelivered_after_its_delay()
    {
        var sender = new ScriptedEmailSender(attempt => attempt == 1 ? new TransientEmailException("451 try again") : null);
        await using var harness = await NotificationHarness.StartAsync(sender, retries: 0);

        await harness.PlaceAsync("1");

        await harness.PublishedAsync<OrderConfirmationSent>();
        AssertTries(harness, ["try 1 of delivery 1"]);
    }

    [Test]
    public async Task A_send_that_goes_on_failing_is_set_aside_after_every_retry_and_redelivery()
    {
        var sender = new ScriptedEmailSender(_ => new TransientEmailException("451 try again"));
        await using var harness = await NotificationHarness.StartAsync(sender);

        await harness.PlaceAsync("1");

        var fault = await harness.FaultAsync();
        using (Assert.EnterMultipleScope())
        {
            AssertTries(harness, EveryTry);
            Assert.That(fault.Kind, Is.EqualTo(FailureKind.Transient));
            Assert.That(fault.OrderId, Is.EqualTo("1"));
            Assert.That(fault.Error, Is.EqualTo("451 try again"));
            Assert.That(fault.Retries, Is.EqualTo(1));
            Assert.That(fault.Redeliveries, Is.EqualTo(3));
            Assert.That((await harness.PublishedAsync<Fault<OrderPlaced>>()).Message.OrderId, Is.EqualTo("1"));
            Assert.That(harness.PublishedSoFar<OrderConfirmationSent>(), Is.Empty);
            Assert.That(
                harness.PublishedSoFar<OrderConfirmationRetrying>().Select(retrying => (retrying.OrderId, retrying.Attempts, retrying.NextAttemptAt - retrying.At, retrying.Reason)),
                Is.EqualTo(new (string, int, TimeSpan?, string)[]
                {
                    ("1", 1, TimeSpan.FromMilliseconds(10), "451 try again"),
                    ("1", 2, TimeSpan.FromMilliseconds(20), "451 try again"),
                    ("1", 3, TimeSpan.FromMilliseconds(10), "451 try again"),
                    // The redeliver job runs elsewhere.
                    ("1", 4, null, "451 try again"),
                }));
        }
    }

    [Test]
    public async Task A_bug_of_our_own_counts_as_something_that_may_pass()
    {
        var sender = new ScriptedEmailSender(attempt => attempt == 1 ? new InvalidOperationException("a bug") : null);
        await using var harness = await NotificationHarness.StartAsync(sender);

        await harness.PlaceAsync("1");

        await harness.PublishedAsync<OrderConfirmationSent>();
        Assert.That(sender.Tries, Is.EqualTo(2));
    }

    [Test]
    public async Task A_send_that_is_refused_for_good_is_set_aside_at_once()
    {
        var sender = new ScriptedEmailSender(_ => new PermanentEmailException("550 no such user"));
        await using var harness = await NotificationHarness.StartAsync(sender);

        await harness.PlaceAsync("1");

        var fault = await harness.FaultAsync();
        using (Assert.EnterMultipleScope())
        {
            AssertTries(harness, EveryTry.Take(1));
            Assert.That(fault.Kind, Is.EqualTo(FailureKind.Permanent));
            Assert.That(fault.Error, Is.EqualTo("550 no such user"));
            Assert.That(harness.PublishedSoFar<OrderConfirmationRetrying>(), Is.Empty);
        }
    }

    [Test]
    public async Task An_order_with_the_id_of_another_one_is_set_aside_at_once_and_nothing_is_told_of_that_order()
    {
        var sender = new ScriptedEmailSender(_ => new DeliveryConflictException("1"));
        await using var harness = await NotificationHarness.StartAsync(sender);

        await harness.PlaceAsync("1");

        var fault = await harness.FaultAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((fault.Kind, sender.Tries), Is.EqualTo((FailureKind.Conflict, 1)));
            Assert.That(harness.PublishedSoFar<OrderConfirmationRetrying>(), Is.Empty);
        }
    }

    [Test]
    public async Task While_the_ledger_is_away_nothing_is_told_of_an_order_as_it_may_be_another_one()
    {
        var sender = new ScriptedEmailSender(attempt => attempt <= 2 ? new UnclaimedEmailException("The ledger is away.") : null);
        await using var harness = await NotificationHarness.StartAsync(sender);

        await harness.PlaceAsync("1");

        await harness.PublishedAsync<OrderConfirmationSent>();
        Assert.That(harness.PublishedSoFar<OrderConfirmationRetrying>(), Is.Empty);
    }

    [TestCase(null, "customer@example.com", "Laptop", FailureKind.Permanent)]
    [TestCase("1", null, "Laptop", FailureKind.Permanent)]
    [TestCase("1", "customer@example.com", "", FailureKind.Permanent)]
    [TestCase("1 2", "customer@example.com", "Laptop", FailureKind.Permanent)]
    [TestCase("1", "customer", "Laptop", FailureKind.Permanent)]
    [TestCase("1", "customer@example.com", "Lap\ntop", FailureKind.Permanent)]
    [TestCase(null, null, null, FailureKind.Unreadable)]
    public async Task An_order_that_breaks_a_rule_is_set_aside_unsent(string? orderId, string? email, string? product, FailureKind kind)
    {
        var sender = new ScriptedEmailSender();
        await using var harness = await NotificationHarness.StartAsync(sender);

        await harness.Bus.Bus.Publish(new OrderPlaced(orderId!, email!, product!, default));

        var fault = await harness.FaultAsync();
        Assert.That((fault.Kind, sender.Tries), Is.EqualTo((kind, 0)));
    }

    [Test]
    public async Task An_email_that_is_out_is_not_sent_again_because_that_could_not_be_announced()
    {
        var sender = new ScriptedEmailSender();
        await using var harness = await NotificationHarness.StartAsync(
            sender,
            configureBus: bus => bus.ConfigurePublish(publish => publish.UseExecute(context =>
            {
                if (context is PublishContext<OrderConfirmationSent>)
                {
                    throw new InvalidOperationException("The broker is away.");
                }
            })));

        await harness.PlaceAsync("first");
        await harness.Log.WaitFor<NotificationConsumer<OrderPlaced>>(SentButNotAnnounced);
        await harness.PlaceAsync("second");
        await harness.Log.WaitFor<NotificationConsumer<OrderPlaced>>(SentButNotAnnounced, count: 2);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(sender.Sent.Select(email => email.MessageId), Is.EqualTo(["<order-confirmation-first@shop.example>", "<order-confirmation-second@shop.example>"]));
            Assert.That(await harness.Bus.Consumed.Any<OrderPlaced>(consumed => consumed is { Exception: null, Context.Message.OrderId: "first" }), Is.True);
        }
    }

    [Test]
    [CancelAfter(20_000)]
    public async Task A_worker_whose_time_to_stop_is_up_gives_up_its_send(CancellationToken cancellationToken)
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var givenUp = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var sender = new ScriptedEmailSender
        {
            DuringSend = async sendToken =>
            {
                sendToken.Register(() => givenUp.TrySetResult());
                begun.TrySetResult();
                await new TaskCompletionSource().Task.WaitAsync(sendToken);
            },
        };
        await using var harness = await NotificationHarness.StartAsync(sender, consumerStopTimeout: TimeSpan.FromMilliseconds(100));
        await harness.PlaceAsync("1");
        await begun.Task.WaitAsync(cancellationToken);

        await harness.StopAsync().WaitAsync(cancellationToken);
        await givenUp.Task.WaitAsync(cancellationToken);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(sender.Sent, Is.Empty);
            Assert.That(harness.Log.Of<NotificationConsumer<OrderPlaced>>(Sent), Is.Empty);
            Assert.That(harness.PublishedSoFar<OrderConfirmationSent>(), Is.Empty);
        }
    }

    private static void AssertTries(NotificationHarness harness, IEnumerable<string> tries) =>
        Assert.That(
            harness.Log.Of<NotificationConsumer<OrderPlaced>>(NotSent),
            Is.EqualTo(tries).Using<string, string>((actual, expected) => actual.Contains($"({expected})", StringComparison.Ordinal)));
}
