using Contracts;
using Microsoft.Extensions.Hosting;
using Notifications.Worker;
using Notifications.Worker.Pipeline;

namespace Orders.Tests.Pipeline;

/// <summary>What a programmer is told who forgets something about a notification: by the compiler, or when the worker starts.</summary>
public sealed class NotificationCheckTests
{
    [Test]
    public void Nothing_is_wrong_with_those_of_the_worker() =>
        Assert.That(NotificationCheck.FindMistakes(NotificationsRegistration.All, typeof(Notification).Assembly), Is.Empty);

    [Test]
    public void One_that_is_not_listed() =>
        Assert.That(
            NotificationCheck.FindMistakes([], typeof(OrderPackedNotification).Assembly),
            Does.Contain("OrderPackedNotification is not listed in NotificationsRegistration.All."));

    [TestCase("")]
    [TestCase("order")]
    [TestCase("order-")]
    [TestCase("shipment")]
    [TestCase("order-Shipped")]
    [TestCase("order_shipped")]
    [TestCase("order--shipped")]
    [TestCase("order-shipped\n")]
    [TestCase("order-very-long-0123456789-0123456789-0123456789-0123456789-01234")]
    public void A_name_that_is_none(string name) =>
        Assert.That(
            FindMistakes(new Renamed<OrderPlaced>(name)),
            Is.EqualTo([$"Renamed`1 is called '{name}', but a name is order- and further lower-case letters, digits and single '-', at most 64 in all."]));

    [TestCase("order-status")]
    [TestCase("order-notifications")]
    [TestCase("order-confirmation-alert")]
    public void A_name_of_another_queue(string name) =>
        Assert.That(
            FindMistakes(new Renamed<OrderPlaced>(name)),
            Is.EqualTo([$"Renamed`1 is called '{name}', but names that begin with order-status or order-notifications, or end with -alert, are those of other queues."]));

    [Test]
    public void Two_of_one_name() =>
        Assert.That(
            FindMistakes(new OrderPackedNotification(), new Renamed<OrderPlaced>("order-packed")),
            Is.EqualTo(["OrderPackedNotification and Renamed`1 share the name order-packed. Each needs its own."]));

    [Test]
    public void One_whose_name_begins_with_that_of_another() =>
        Assert.That(
            FindMistakes(new OrderPackedNotification(), new Renamed<OrderPlaced>("order-packed-late")),
            Is.EqualTo(["Renamed`1 is called 'order-packed-late', which begins with the name of OrderPackedNotification. Give it another one."]));

    [Test]
    public void Two_with_one_section_of_the_configuration() =>
        Assert.That(
            FindMistakes(new Renamed<OrderPlaced>("order-a1"), new Renamed<OrderPacked>("order-a-1")),
            Is.EqualTo(["Renamed`1 and Renamed`1 share the section OrderA1 of the configuration. Each needs its own."]));

    [Test]
    public void Two_for_one_message() =>
        Assert.That(
            FindMistakes(new OrderPackedNotification(), new Renamed<OrderPacked>("order-renamed")),
            Is.EqualTo(["OrderPackedNotification and Renamed`1 share the message Orders.Tests.Pipeline.OrderPacked. Each needs its own."]));

    [Test]
    public void Fields_that_the_message_does_not_have() =>
        Assert.That(
            FindMistakes(new Renamed<NotificationSent>("order-renamed", new("trackingNumber", _ => null))),
            Is.EqualTo(new[] { "email", "trackingNumber" }.Select(field =>
                $"The message NotificationSent of Renamed`1 has no text that is {field} in JSON, by which a message that failed is read.")));

    [Test]
    public void A_message_without_a_namespace() =>
        Assert.That(
            FindMistakes(new Renamed<OrderWithoutNamespace>("order-renamed")),
            Is.EqualTo(["The message OrderWithoutNamespace of Renamed`1 has no namespace: MassTransit does not take it."]));

    [Test]
    public void The_worker_does_not_start_with_a_mistake() =>
        Assert.That(
            () => Host.CreateEmptyApplicationBuilder(new()).AddNotifications([.. NotificationsRegistration.All, new Renamed<OrderPacked>("order-confirmation")], configure: null),
            Throws.InvalidOperationException.With.Message.EqualTo("OrderConfirmationNotification and Renamed`1 share the name order-confirmation. Each needs its own."));

    /// <summary>What is found of the given ones, in an assembly that has no others.</summary>
    private static string[] FindMistakes(params Notification[] notifications) =>
        [.. NotificationCheck.FindMistakes(notifications, typeof(OrderPlaced).Assembly)];

    private sealed class Renamed<TMessage>(string name, NotificationReference<TMessage>? reference = null) : Notification<TMessage>
        where TMessage : class
    {
        public override string Name => name;

        public override string Noun => "order";

        public override NotificationReference<TMessage>? Reference => reference;

        public override IReadOnlyDictionary<string, string[]> FindMistakes(TMessage message) => throw new NotSupportedException();

        public override string OrderIdOf(TMessage message) => throw new NotSupportedException();

        public override string RecipientOf(TMessage message) => throw new NotSupportedException();

        public override string ContentOf(TMessage message) => throw new NotSupportedException();

        public override DateTimeOffset TimeOf(TMessage message) => throw new NotSupportedException();

        public override TMessage WithTime(TMessage message, DateTimeOffset time) => throw new NotSupportedException();

        public override Task<EmailContent> WriteAsync(TMessage message, EmailTemplates templates) => throw new NotSupportedException();
    }
}
