using MassTransit;
using MassTransit.Transports.Fabric;

namespace Orders.Messaging.Operators;

/// <summary>How each transport carries <see cref="OperatorEvent"/>.</summary>
public static class OperatorEventsConfiguration
{
    /// <summary>The exchange by its name and type.</summary>
    public static void UseOperatorEvents(this IRabbitMqBusFactoryConfigurator bus)
    {
        bus.Message<OperatorEvent>(message => message.SetEntityName(OperatorEvents.Exchange));
        bus.Publish<OperatorEvent>(publish => publish.ExchangeType = RabbitMQ.Client.ExchangeType.Topic);
    }

    /// <inheritdoc cref="UseOperatorEvents(IRabbitMqBusFactoryConfigurator)"/>
    public static void UseOperatorEvents(this IInMemoryBusFactoryConfigurator bus)
    {
        bus.Message<OperatorEvent>(message => message.SetEntityName(OperatorEvents.Exchange));
        bus.Publish<OperatorEvent>(publish => publish.ExchangeType = ExchangeType.Topic);
    }

    /// <summary>Declares the exchange when the endpoint connects, so that operators can bind to it before anything happens.</summary>
    public static void DeclareOperatorEvents(this IRabbitMqReceiveEndpointConfigurator endpoint) =>
        endpoint.ConfigureChannel(channels => channels.UseExecuteAsync(channel =>
            channel.ExchangeDeclare(OperatorEvents.Exchange, RabbitMQ.Client.ExchangeType.Topic, durable: true, autoDelete: false, null, channel.CancellationToken)));
}
