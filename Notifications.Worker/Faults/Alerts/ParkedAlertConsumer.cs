using System.Security.Cryptography;
using System.Text;
using Contracts;
using MassTransit;
using Microsoft.Extensions.Options;
using Notifications.Worker.Faults.Job;
using Notifications.Worker.OrderConfirmation;
using Notifications.Worker.Redelivery;

namespace Notifications.Worker.Faults.Alerts;

/// <summary>Emails <see cref="AlertOptions.To"/> that a message was parked.</summary>
internal sealed class ParkedAlertConsumer(AlertEmail alert) : IConsumer<OrderConfirmationFailed>
{
    public Task Consume(ConsumeContext<OrderConfirmationFailed> context)
    {
        var failed = context.Message;
        var order = failed.OrderId is { } id ? $"order {id}" : "an order that cannot be read";
        var text = $"""
            The confirmation of {order} was given up.

            Why:   {failed.Reason}
            When:  {failed.FailedAt:u}
            Where: queue {OrderConfirmationEndpoint.ParkingQueue}

            The customer has not been told. The message is kept until a person acts.
            """;

        var key = SHA256.HashData(Encoding.UTF8.GetBytes($"{failed.OrderId}\n{failed.Reason}\n{failed.FailedAt:O}"));
        return alert.SendAsync(
            $"parked-{Convert.ToHexStringLower(key.AsSpan(0, 16))}", $"Not confirmed: {order}", text, context.CancellationToken);
    }
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
