using System.Text.RegularExpressions;
using MassTransit;
using Notifications.Worker;

namespace Orders.Tests.Deployment;

/// <summary>The permissions of the deployment go by naming conventions: a new notification needs none of its own.</summary>
public sealed class NotificationPermissionsTests
{
    private static readonly string[] Names = [.. NotificationsRegistration.All.Select(notification => notification.Name), "order-2-go"];

    private static readonly string[] NoNotifications =
        ["order-status", "order-notifications", "order-confirmation-alert", "order-confirmation-webhook-alert", "orders", "billing", ""];

    [TestCaseSource(nameof(Names))]
    public void Each_program_may_do_with_the_queues_of_a_notification_what_it_needs(string name)
    {
        var (worker, redeliver, topology) = (Of(BrokerUsers.Worker), Of(BrokerUsers.Redeliver), Of(BrokerUsers.Topology));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Allowed(worker.Read, name, ""), Is.EqualTo([""]));
            Assert.That(Allowed(worker.Write, name, "_delay", "_error", "_audit"), Is.EqualTo(["_delay", "_error", "_audit"]));
            Assert.That(Allowed(worker.Write, name, "", "_parked", "_error_turn", "_parked_turn"), Is.Empty);
            Assert.That(
                Allowed(redeliver.Read, name, "_error", "_parked", "_audit", "_error_turn", "_parked_turn"),
                Is.EqualTo(["_error", "_parked", "_audit", "_error_turn", "_parked_turn"]));
            Assert.That(Allowed(redeliver.Read, name, ""), Is.Empty);
            Assert.That(
                Allowed(redeliver.Write, name, "", "_parked", "_audit", "_error_turn", "_parked_turn", "_delay_5000"),
                Is.EqualTo(["", "_parked", "_audit", "_error_turn", "_parked_turn", "_delay_5000"]));
            Assert.That(Allowed(topology.Configure, name, "", "_error", "_delay_5000"), Has.Length.EqualTo(3));
        }
    }

    [TestCaseSource(nameof(NoNotifications))]
    public void Other_queues_are_taken_for_no_notification(string name)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Allowed(Of(BrokerUsers.Worker).Read, name, "", "_error"), Is.Empty);
            Assert.That(Allowed(Of(BrokerUsers.Worker).Write, name, "_error", "_parked", "_audit"), Is.Empty);
        }
    }

    [Test]
    public void The_API_may_publish_the_message_of_every_notification_and_the_worker_its_fault()
    {
        var messages = NotificationsRegistration.All.Select(notification => MessageUrn.ForType(notification.MessageType).OriginalString[MessageUrn.Prefix.Length..]).ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(messages, Has.All.Match(Of(BrokerUsers.Api).Write));
            Assert.That(messages.Select(message => $"MassTransit:Fault--{message}--"), Has.All.Match(Of(BrokerUsers.Worker).Write));
            Assert.That(Allowed(Of(BrokerUsers.Api).Write, "Contracts:", "OrderConfirmationSent", "NotificationSent"), Is.Empty);
        }
    }

    private static string[] Allowed(string pattern, string name, params string[] endings) =>
        [.. endings.Where(ending => Regex.IsMatch(name + ending, pattern, RegexOptions.CultureInvariant))];

    private static BrokerUsers.Permission Of(string user) => BrokerUsers.ReadPermissions().Single(permission => permission.User == user);
}
