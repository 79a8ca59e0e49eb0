using MassTransit;
using MassTransit.RabbitMqTransport;
using RabbitMQ.Client;

namespace Orders.Messaging;

/// <summary>
/// Keeps a receive endpoint from declaring anything, on a broker whose topology was <see cref="Topology.Deployed"/>.
/// MassTransit would declare all of it with each connection, and RabbitMQ asks for the right to configure even if that
/// changes nothing.
/// </summary>
internal static class DeployedTopology
{
    /// <summary>
    /// As long as the endpoint's queue is missing the endpoint fails, and is tried again. Belongs before every other filter
    /// of the channel.
    /// </summary>
    public static void DeclareNothing(this IRabbitMqReceiveEndpointConfigurator endpoint) =>
        endpoint.ConfigureChannel(channels => channels.UseFilter(new Filter()));

    private sealed class Filter : IFilter<ChannelContext>
    {
        public Task Send(ChannelContext context, IPipe<ChannelContext> next) => next.Send(new Channel(context));

        public void Probe(ProbeContext context) => context.CreateFilterScope("declareNothing");
    }

    private sealed class Channel(ChannelContext channel) : ScopeChannelContext(channel, channel.CancellationToken), ChannelContext
    {
        // Not even a passive declaration: RabbitMQ 4.3 asks for a right to the queue, and who has none need not know of it.
        Task<QueueDeclareOk> ChannelContext.QueueDeclare(
            string queue, bool durable, bool exclusive, bool autoDelete, IDictionary<string, object> arguments, CancellationToken cancellationToken) =>
            Task.FromResult(new QueueDeclareOk(queue, messageCount: 0, consumerCount: 0));

        Task ChannelContext.ExchangeDeclare(
            string exchange, string type, bool durable, bool autoDelete, IDictionary<string, object> arguments, CancellationToken cancellationToken) =>
            Task.CompletedTask;

        Task ChannelContext.QueueBind(
            string queue, string exchange, string routingKey, IDictionary<string, object> arguments, CancellationToken cancellationToken) =>
            Task.CompletedTask;

        Task ChannelContext.ExchangeBind(
            string destination, string source, string routingKey, IDictionary<string, object> arguments, CancellationToken cancellationToken) =>
            Task.CompletedTask;
    }
}
