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
internal sealed class ParkedAlertConsumerDefinition : ConsumerDefinition<ParkedAlertConsumer>
{
    public const string Queue = "order-confirmation-alert";

    private readonly AlertEndpoint<IParkedAlertDelays> _endpoint;

    public ParkedAlertConsumerDefinition(IOptions<RedeliverOptions> options)
    {
        EndpointName = Queue;
        _endpoint = new AlertEndpoint<IParkedAlertDelays>(Queue, options.Value);
    }

    protected override void ConfigureConsumer(
        IReceiveEndpointConfigurator endpointConfigurator,
        IConsumerConfigurator<ParkedAlertConsumer> consumerConfigurator,
        IRegistrationContext context)
    {
        _endpoint.Configure(endpointConfigurator, context);
        consumerConfigurator.Message<OrderConfirmationFailed>(messages => _endpoint.Configure(messages, endpointConfigurator));
    }
}

/// <summary>Stands for the exchange of the delay queues.</summary>
[EntityName(ParkedAlertConsumerDefinition.Queue + DelayQueues.ExchangeSuffix), ExcludeFromTopology]
internal interface IParkedAlertDelays;
