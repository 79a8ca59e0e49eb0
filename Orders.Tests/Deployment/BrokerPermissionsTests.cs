using System.Text.RegularExpressions;
using Notifications.Worker;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Orders.Tests.Deployment;

/// <summary>What the users of the deployment may do on a broker to which the topology was deployed: what their programs need, and nothing else.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnQuorumQueues))]
internal sealed partial class BrokerPermissionsTests(TransportUnderTest transport)
{
    private static readonly string[] Users = [BrokerUsers.Api, BrokerUsers.Worker, BrokerUsers.Redeliver];

    private readonly Cleanup _cleanup = new();
    private OrderSystem _system = null!;
    private string[] _queues = [];
    private string[] _exchanges = [];

    [OneTimeSetUp]
    public async Task DeployAsync()
    {
        _system = _cleanup.Add(await OrderSystem.StartWithoutProgramsAsync(transport));
        await _system.DeployUsersAsync();
        await _system.DeployTopologyAsync(("Alerts__Webhook__Url", "http://127.0.0.1:1"));
        _queues = Names(await _system.RunCtlAsync("list_queues", "--no-table-headers", "name"));
        // The default exchange has no name.
        _exchanges = ["", .. Names(await _system.RunCtlAsync("list_exchanges", "--no-table-headers", "name"))];
        Assert.That(_queues, Does.Contain("order-confirmation").And.Contain("order-confirmation_parked").And.Contain("order-confirmation_audit"));
        Assert.That(_exchanges, Does.Contain("Contracts:OrderPlaced").And.Contain("order-notifications").And.Contain("amq.fanout"));
    }

    [OneTimeTearDown]
    public Task EndAsync() => _cleanup.RunAsync();

    [TestCase(BrokerUsers.Api, "Contracts:OrderPlaced", "Contracts:SignInsSlowed", "order-notifications", "order-notifications_watch", "order-status_error")]
    [TestCase(
        BrokerUsers.Worker,
        "order-confirmation_delay",
        "order-confirmation_error",
        "order-confirmation_audit",
        "order-notifications",
        "order-notifications_watch",
        "Contracts:OrderConfirmationSent",
        "Contracts:OrderConfirmationRetrying",
        "Contracts:OrderConfirmationFailed",
        "Contracts:NotificationSent",
        "Contracts:NotificationRetrying",
        "Contracts:NotificationFailed",
        "Contracts:MailServerUnreachable",
        "Contracts:MailServerReachable",
        "Contracts:SignInsSlowed",
        "MassTransit:Fault--Contracts:OrderPlaced--")]
    [TestCase(
        BrokerUsers.Redeliver,
        "order-confirmation",
        "order-confirmation_parked",
        "order-confirmation_audit",
        "order-confirmation_error_turn",
        "order-confirmation_parked_turn",
        "order-confirmation-alert",
        "order-confirmation-alert_parked",
        "order-confirmation-alert_error_turn",
        "order-confirmation-alert_parked_turn",
        "order-confirmation-outage-alert",
        "order-confirmation-outage-alert_parked",
        "order-confirmation-outage-alert_error_turn",
        "order-confirmation-outage-alert_parked_turn",
        "order-confirmation-webhook-alert",
        "order-confirmation-webhook-alert_parked",
        "order-confirmation-webhook-alert_error_turn",
        "order-confirmation-webhook-alert_parked_turn",
        "order-status",
        "order-status_parked",
        "order-status_error_turn",
        "order-status_parked_turn",
        "order-confirmation-alert_delay",
        "order-confirmation-alert_error",
        "order-confirmation-outage-alert_delay",
        "order-confirmation-outage-alert_error",
        "order-confirmation-webhook-alert_delay",
        "order-confirmation-webhook-alert_error",
        "order-notifications",
        "order-notifications_watch",
        "Contracts:OrderConfirmationFailed",
        "Contracts:NotificationFailed",
        "Contracts:MailServerUnreachable",
        "Contracts:MailServerReachable",
        "Contracts:SignInsSlowed",
        "Contracts:FaultParked",
        "MassTransit:Fault--Contracts:OrderConfirmationFailed--",
        "MassTransit:Fault--Contracts:NotificationFailed--",
        "MassTransit:Fault--Contracts:MailServerUnreachable--",
        "MassTransit:Fault--Contracts:MailServerReachable--",
        "MassTransit:Fault--Contracts:SignInsSlowed--",
        "MassTransit:Fault--Contracts:FaultParked--")]
    public async Task Publishes_to_no_other_exchange_than(string user, params string[] exchanges) => Assert.That(
        await WhereAllowedAsync(user, _exchanges, (channel, exchange) => channel.BasicPublishAsync(exchange, routingKey: "order-confirmation", "no order"u8.ToArray()).AsTask()),
        Is.EquivalentTo(OfEveryNotification(exchanges)));

    [TestCase(BrokerUsers.Api, "order-status")]
    [TestCase(BrokerUsers.Worker, "order-confirmation")]
    [TestCase(
        BrokerUsers.Redeliver,
        "order-confirmation_error",
        "order-confirmation_parked",
        "order-confirmation_audit",
        "order-confirmation_error_turn",
        "order-confirmation_parked_turn",
        "order-confirmation-alert_error",
        "order-confirmation-alert_parked",
        "order-confirmation-alert_error_turn",
        "order-confirmation-alert_parked_turn",
        "order-confirmation-outage-alert_error",
        "order-confirmation-outage-alert_parked",
        "order-confirmation-outage-alert_error_turn",
        "order-confirmation-outage-alert_parked_turn",
        "order-confirmation-webhook-alert_error",
        "order-confirmation-webhook-alert_parked",
        "order-confirmation-webhook-alert_error_turn",
        "order-confirmation-webhook-alert_parked_turn",
        "order-status_error",
        "order-status_parked",
        "order-status_error_turn",
        "order-status_parked_turn",
        "order-confirmation-alert",
        "order-confirmation-outage-alert",
        "order-confirmation-webhook-alert")]
    public async Task Consumes_from_no_other_queue_than(string user, params string[] queues)
    {
        using (Assert.EnterMultipleScope())
        {
            string[] allowed = [.. OfEveryNotification(queues)];
            Assert.That(await WhereAllowedAsync(user, _queues, ConsumeAsync), Is.EquivalentTo(allowed));
            var others = _queues.Except(allowed);
            Assert.That(await WhereAllowedAsync(user, others, (channel, queue) => channel.BasicGetAsync(queue, autoAck: false)), Is.Empty);
            Assert.That(await WhereAllowedAsync(user, others, (channel, queue) => channel.QueuePurgeAsync(queue)), Is.Empty);
        }
    }

    [TestCaseSource(nameof(Users))]
    public async Task Declares_binds_and_deletes_nothing(string user)
    {
        var queues = _queues.Append("").Append("another").ToArray();
        var exchanges = _exchanges.Except([""]).Append("another").ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await WhereAllowedAsync(user, queues, (channel, queue) => channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false)), Is.Empty);
            Assert.That(await WhereAllowedAsync(user, queues, (channel, queue) => channel.QueueDeclareAsync(queue, durable: false, exclusive: true, autoDelete: true)), Is.Empty);
            Assert.That(await WhereAllowedAsync(user, _queues, (channel, queue) => channel.QueueDeleteAsync(queue, ifUnused: false, ifEmpty: false)), Is.Empty);
            Assert.That(await WhereAllowedAsync(user, exchanges, (channel, exchange) => channel.ExchangeDeclareAsync(exchange, ExchangeType.Fanout, durable: true)), Is.Empty);
            Assert.That(await WhereAllowedAsync(user, _exchanges.Except([""]), (channel, exchange) => channel.ExchangeDeleteAsync(exchange)), Is.Empty);
            Assert.That(await WhereAllowedAsync(user, _queues, (channel, queue) => channel.QueueBindAsync(queue, "Contracts:OrderPlaced", "")), Is.Empty);
            Assert.That(await WhereAllowedAsync(user, _queues, (channel, queue) => channel.QueueUnbindAsync(queue, "Contracts:OrderPlaced", "")), Is.Empty);
            Assert.That(await WhereAllowedAsync(user, exchanges, (channel, exchange) => channel.ExchangeBindAsync(exchange, "Contracts:OrderPlaced", "")), Is.Empty);
        }
    }

    private static Task<string> ConsumeAsync(IChannel channel, string queue) => channel.BasicConsumeAsync(
        queue,
        autoAck: false,
        consumerTag: "",
        noLocal: false,
        exclusive: false,
        new Dictionary<string, object?>(),
        new AsyncDefaultBasicConsumer(channel));

    /// <summary>Tries an act on each queue or exchange, and returns those where the broker did not refuse it.</summary>
    private async Task<IReadOnlyList<string>> WhereAllowedAsync(string user, IEnumerable<string> names, Func<IChannel, string, Task> act)
    {
        await using var connection = await _system.ConnectAsync(user);
        var allowed = new List<string>();
        foreach (var name in names)
        {
            // A refusal closes the channel.
            await using var channel = await connection.CreateChannelAsync(
                new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));
            await channel.BasicQosAsync(prefetchSize: 0, prefetchCount: 1, global: false);
            try
            {
                await act(channel, name);
                allowed.Add(name);
            }
            catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == Constants.AccessRefused)
            {
            }
        }

        return allowed;
    }

    /// <summary>What is allowed about order confirmations is allowed about every notification. The audit trail is one for all.</summary>
    private static IEnumerable<string> OfEveryNotification(IReadOnlyList<string> names) => names.Concat(
        from notification in NotificationsRegistration.All.Where(notification => notification.Name != "order-confirmation")
        from name in names
        let other = OrderConfirmation().Replace(name, notification.Name).Replace("OrderPlaced", notification.MessageType.Name, StringComparison.Ordinal)
        where other != name
        select other);

    [GeneratedRegex("^order-confirmation(?=$|_)(?!_audit)")]
    private static partial Regex OrderConfirmation();

    private static string[] Names(string table) => table.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
