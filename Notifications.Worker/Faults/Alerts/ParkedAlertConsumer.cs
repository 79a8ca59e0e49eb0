using Contracts;
using MassTransit;
using Microsoft.Extensions.Options;
using Notifications.Worker.Faults.Job;
using Notifications.Worker.Redelivery;

namespace Notifications.Worker.Faults.Alerts;

/// <summary>Emails <see cref="AlertOptions.To"/> that a message was parked.</summary>
internal sealed class ParkedAlertConsumer(AlertEmail alert) : IConsumer<OrderConfirmationFailed>
{
    public Task Consume(ConsumeContext<OrderConfirmationFailed> context) =>
        alert.SendAsync(Alert.Of(context.Message), context.CancellationToken);
}

/// <summary>Alerts of parked messages have a queue of their own.</summary>
internal sealed class ParkedAlertConsumerDefinition(IOptions<RedeliverOptions> options)
    : AlertConsumerDefinition<ParkedAlertConsumer, IParkedAlertDelays>(Queue, options, inOrder: false)
{
    public const string Queue = "order-confirmation-alert";

    protected override void ConfigureMessages(IConsumerConfigurator<ParkedAlertConsumer> consumer, IReceiveEndpointConfigurator endpoint)
    {
        Configure<OrderConfirmationFailed>(consumer, endpoint);
    }
}

/// <summary>Stands for the exchange of the delay queues.</summary>
[EntityName(ParkedAlertConsumerDefinition.Queue + DelayQueues.ExchangeSuffix), ExcludeFromTopology]
internal interface IParkedAlertDelays;
