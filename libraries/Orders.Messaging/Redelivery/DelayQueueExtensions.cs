using MassTransit;
using MassTransit.RabbitMqTransport.Configuration;

namespace Orders.Messaging.Redelivery;

/// <summary>Delayed redelivery on a stock RabbitMQ, without the delayed-message-exchange plug-in.</summary>
public static class DelayQueueExtensions
{
    /// <summary>Declares a delay queue for each distinct delay when the endpoint connects.</summary>
    /// <typeparam name="TEndpoint">Stands for the endpoint: a type that no other endpoint gives, such as its consumer.</typeparam>
    /// <param name="endpoint">The receive endpoint whose messages are redelivered.</param>
    /// <param name="endpointQueue">The endpoint's queue.</param>
    /// <param name="delays">Every delay that the endpoint's redelivery policies can ask for.</param>
    /// <param name="queueType">The type of the queues.</param>
    public static void DeclareDelayQueues<TEndpoint>(
        this IRabbitMqReceiveEndpointConfigurator endpoint, string endpointQueue, IReadOnlyCollection<TimeSpan> delays, QueueType queueType)
    {
        ((IRabbitMqReceiveEndpointConfiguration)endpoint).Topology.Message.GetMessageTopology<IDelayed<TEndpoint>>()
            .SetEntityName(DelayQueues.ExchangeName(endpointQueue));
        endpoint.ConfigureChannel(channels => channels.UseExecuteAsync(channel =>
            DelayQueues.DeclareAsync(channel, endpointQueue, delays, queueType)));
    }

    /// <summary>
    /// Makes <c>UseDelayedRedelivery</c> send to the endpoint's delay queues. Put it before
    /// <c>UseDelayedRedelivery</c> in the same pipe, and declare the queues by <see cref="DeclareDelayQueues{TEndpoint}"/>.
    /// </summary>
    /// <typeparam name="TMessage">The message that is redelivered.</typeparam>
    /// <typeparam name="TEndpoint">The type that stands for the endpoint.</typeparam>
    /// <param name="messages">The consumer's pipe of that message.</param>
    public static void UseDelayQueues<TMessage, TEndpoint>(this IPipeConfigurator<ConsumeContext<TMessage>> messages)
        where TMessage : class =>
        // UseDelayedRedelivery makes MassTransit's own context only where the message has none yet.
        messages.UseExecute(context => context.GetOrAddPayload<MessageRedeliveryContext>(
            () => new DelayQueueRedeliveryContext<TMessage, TEndpoint>(context)));
}

/// <summary>
/// To MassTransit the message whose exchange is that of an endpoint's delay queues. It is excluded from what MassTransit declares:
/// <see cref="DelayQueues.DeclareAsync"/> does that.
/// </summary>
[ExcludeFromTopology]
internal interface IDelayed<TEndpoint>;
