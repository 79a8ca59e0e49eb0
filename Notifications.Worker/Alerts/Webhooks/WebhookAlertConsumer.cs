using Contracts;
using MassTransit;
using Microsoft.Extensions.Options;
using Orders.Email.Outages;
using Orders.FaultQueues;
using Orders.FaultQueues.Access;
using Orders.FaultQueues.Policy;

namespace Notifications.Worker.Alerts.Webhooks;

/// <summary>
/// Tells <see cref="WebhookOptions.Url"/> that a message was parked, that an outage of the mail server has begun, that it has
/// ended, and that somebody tries passwords.
/// </summary>
internal sealed class WebhookAlertConsumer(
    AlertWebhook webhook, [FromKeyedServices(WebhookAlertConsumerDefinition.Queue)] OutageAlerts outages)
    : IConsumer<OrderConfirmationFailed>, IConsumer<NotificationFailed>, IConsumer<FaultParked>, IConsumer<MailServerUnreachable>, IConsumer<MailServerReachable>, IConsumer<SignInsSlowed>
{
    public Task Consume(ConsumeContext<OrderConfirmationFailed> context) =>
        webhook.SendAsync(Alert.Of(context.Message), context.CancellationToken);

    public Task Consume(ConsumeContext<NotificationFailed> context) =>
        webhook.SendAsync(Alert.Of(context.Message), context.CancellationToken);

    public Task Consume(ConsumeContext<MailServerUnreachable> context) =>
        outages.IsBeginning(context.Message) ? webhook.SendAsync(Alert.OfBeginning(context.Message), context.CancellationToken) : Task.CompletedTask;

    public Task Consume(ConsumeContext<MailServerReachable> context) =>
        outages.FindEnded(context.Message) is { } since
            ? webhook.SendAsync(Alert.OfEnd(since, context.Message.Until), context.CancellationToken)
            : Task.CompletedTask;

    public Task Consume(ConsumeContext<FaultParked> context) =>
        webhook.SendAsync(Alert.Of(context.Message), context.CancellationToken);

    public Task Consume(ConsumeContext<SignInsSlowed> context) =>
        webhook.SendAsync(Alert.Of(context.Message), context.CancellationToken);
}

/// <summary>
/// One message at a time, like <see cref="OutageAlertConsumerDefinition"/>, on a queue of its own: a webhook that is away
/// keeps no email waiting, nor the other way round.
/// </summary>
internal sealed class WebhookAlertConsumerDefinition(IOptions<ReplayOptions> options)
    : AlertConsumerDefinition<WebhookAlertConsumer>(Queue, options, inOrder: true)
{
    public const string Queue = "order-confirmation-webhook-alert";

    protected override void ConfigureMessages(IConsumerConfigurator<WebhookAlertConsumer> consumer, IReceiveEndpointConfigurator endpoint)
    {
        Configure<OrderConfirmationFailed>(consumer, endpoint);
        Configure<NotificationFailed>(consumer, endpoint);
        Configure<FaultParked>(consumer, endpoint);
        Configure<MailServerUnreachable>(consumer, endpoint);
        Configure<MailServerReachable>(consumer, endpoint);
        Configure<SignInsSlowed>(consumer, endpoint);
    }
}
