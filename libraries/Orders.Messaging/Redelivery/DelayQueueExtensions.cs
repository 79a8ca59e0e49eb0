using MassTransit;

namespace Orders.Messaging.Redelivery;

/// <summary>Delayed redelivery on a stock RabbitMQ, without the delayed-message-exchange plug-in.</summary>
public static class DelayQueueExtensions
{
    /// <summary>Declares a delay queue for each distinct delay when the endpoint connects.</summary>
    /// <param name="endpoint">The receive endpoint whose messages are redelivered.</param>
    /// <param name="endpointQueue">The endpoint's queue.</param>
    /// <param name="delays">Every delay that the endpoint's redelivery policies can ask for.</param>
    /// <param name="queueType">The type of the queues.</param>
    public static void DeclareDelayQueues(
        this IRabbitMqReceiveEndpointConfigurator endpoint, string endpointQueue, IReadOnlyCollection<TimeSpan> delays, QueueType queueType) =>
        endpoint.ConfigureChannel(channels => channels.UseExecuteAsync(channel =>
            DelayQueues.DeclareAsync(channel, endpointQueue, delays, queueType)));

    /// <summary>
    /// Makes <c>UseDelayedRedelivery</c> send to the endpoint's delay queues. Put it before
    /// <c>UseDelayedRedelivery</c> in the same pipe, and declare the queues by <see cref="DeclareDelayQueues"/>.
    /// </summary>
    /// <typeparam name="TMessage">The message that is redelivered.</typeparam>
    /// <typeparam name="TExchange">
    /// Stands for the exchange of the delay queues, which is to MassTransit the one of messages of this type: it has its name
    /// by an <see cref="EntityNameAttribute"/>, and an <see cref="ExcludeFromTopologyAttribute"/>, for it is declared here.
    /// </typeparam>
    /// <param name="messages">The consumer's pipe of that message.</param>
    public static void UseDelayQueues<TMessage, TExchange>(this IPipeConfigurator<ConsumeContext<TMessage>> messages)
        where TMessage : class
        where TExchange : class =>
        // UseDelayedRedelivery makes MassTransit's own context only where the message has none yet.
        messages.UseExecute(context => context.GetOrAddPayload<MessageRedeliveryContext>(
            () => new DelayQueueRedeliveryContext<TMessage, TExchange>(context)));
}
