using MassTransit;
using Microsoft.Extensions.Options;
using Orders.FaultQueues;
using Orders.FaultQueues.Access;
using Orders.FaultQueues.Policy;

namespace Notifications.Worker.Alerts.Webhooks;

/// <summary>Tells <see cref="WebhookOptions.Url"/> what a console alerts of: it knows no orders and no mail server.</summary>
internal sealed class ConsoleAlertConsumer(AlertWebhook webhook) : IConsumer<FaultParked>, IConsumer<SignInsSlowed>
{
    public Task Consume(ConsumeContext<FaultParked> context) => webhook.SendAsync(Alert.Of(context.Message), context.CancellationToken);

    public Task Consume(ConsumeContext<SignInsSlowed> context) => webhook.SendAsync(Alert.Of(context.Message), context.CancellationToken);
}

/// <summary>Its queue is not named after orders, as the broker is another team's.</summary>
internal sealed class ConsoleAlertConsumerDefinition(IOptions<ReplayOptions> options)
    : AlertConsumerDefinition<ConsoleAlertConsumer>(Queue, options, inOrder: true)
{
    public const string Queue = "faults-alert";

    protected override void ConfigureMessages(IConsumerConfigurator<ConsoleAlertConsumer> consumer, IReceiveEndpointConfigurator endpoint)
    {
        Configure<FaultParked>(consumer, endpoint);
        Configure<SignInsSlowed>(consumer, endpoint);
    }
}
