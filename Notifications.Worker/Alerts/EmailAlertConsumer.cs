using Contracts;
using MassTransit;
using Microsoft.Extensions.Options;
using Orders.FaultQueues;
using Orders.FaultQueues.Access;
using Orders.FaultQueues.Policy;

namespace Notifications.Worker.Alerts;

/// <summary>Emails <see cref="AlertOptions.To"/> what stands by itself: that a message was parked, that somebody tries passwords.</summary>
internal sealed class EmailAlertConsumer(AlertEmail alert) : IConsumer<OrderConfirmationFailed>, IConsumer<NotificationFailed>, IConsumer<FaultParked>, IConsumer<SignInsSlowed>
{
    public Task Consume(ConsumeContext<OrderConfirmationFailed> context) =>
        alert.SendAsync(Alert.Of(context.Message), context.CancellationToken);

    public Task Consume(ConsumeContext<NotificationFailed> context) =>
        alert.SendAsync(Alert.Of(context.Message), context.CancellationToken);

    public Task Consume(ConsumeContext<FaultParked> context) =>
        alert.SendAsync(Alert.Of(context.Message), context.CancellationToken);

    public Task Consume(ConsumeContext<SignInsSlowed> context) =>
        alert.SendAsync(Alert.Of(context.Message), context.CancellationToken);
}

/// <summary>These alerts have a queue of their own, in which none waits for another.</summary>
internal sealed class EmailAlertConsumerDefinition(IOptions<ReplayOptions> options)
    : AlertConsumerDefinition<EmailAlertConsumer>(Queue, options, inOrder: false)
{
    public const string Queue = "order-confirmation-alert";

    protected override void ConfigureMessages(IConsumerConfigurator<EmailAlertConsumer> consumer, IReceiveEndpointConfigurator endpoint)
    {
        Configure<OrderConfirmationFailed>(consumer, endpoint);
        Configure<NotificationFailed>(consumer, endpoint);
        Configure<FaultParked>(consumer, endpoint);
        Configure<SignInsSlowed>(consumer, endpoint);
    }
}
