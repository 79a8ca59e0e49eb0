using Contracts;
using Notifications.Worker.Alerts;

namespace Orders.Tests.Alerts;

/// <summary>What people read of messages that were parked.</summary>
public sealed class AlertTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    [Test]
    public void An_order_that_is_not_confirmed()
    {
        var alert = Alert.Of(new OrderConfirmationFailed("12345", "Permanent: 550 No such user", Noon));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(alert.Id, Is.EqualTo("parked-69daf1f306eebc8a2fc586bbebda5797"), "The id of an alert that is on its way while a new release starts stays.");
            Assert.That(alert.Subject, Is.EqualTo("Not confirmed: order 12345"));
            Assert.That(
                alert.Text,
                Is.EqualTo(
                    """
                    The confirmation of order 12345 was given up.

                    Why:   Permanent: 550 No such user
                    When:  2026-11-21 12:00:00Z
                    Where: queue order-confirmation_parked

                    The customer has not been told. The message is kept until a person acts.
                    """));
        }
    }

    [TestCase("12345", "1Z999", "order-shipped of order 12345 (1Z999)", "The customer has not been told.")]
    [TestCase("12345", null, "order-shipped of order 12345", "The customer has not been told.")]
    [TestCase(null, null, "order-shipped of a message without ids of its own", "This message was not emailed.")]
    public void Another_email_that_is_not_sent(string? orderId, string? reference, string email, string customer)
    {
        var alert = Alert.Of(new NotificationFailed("order-shipped", orderId, reference, "Permanent: 550 No such user", Noon));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(alert.Subject, Is.EqualTo($"Not sent: {email}"));
            Assert.That(alert.Text, Does.StartWith($"The email {email} was given up.").And.Contain("Where: queue order-shipped_parked").And.Contain(customer));
        }
    }

    [Test]
    public void Each_parked_message_has_an_alert_of_its_own_however_often_it_is_told_of()
    {
        var failed = new NotificationFailed("order-shipped", "12345", "1Z999", "Permanent", Noon);

        string[] ids =
        [
            .. new[] { failed, failed with { Reference = "1Z998" }, failed with { OrderId = "12346" }, failed with { Notification = "order-packed" }, failed with { FailedAt = Noon.AddSeconds(1) } }
                .Select(other => Alert.Of(other).Id),
        ];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(ids, Is.Unique);
            Assert.That(Alert.Of(failed with { }).Id, Is.EqualTo(ids[0]));
        }
    }
}
