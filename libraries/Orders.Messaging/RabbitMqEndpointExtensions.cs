using MassTransit;
using MassTransit.RabbitMqTransport;
using MassTransit.RabbitMqTransport.Configuration;
using MassTransit.RabbitMqTransport.Middleware;
using Microsoft.Extensions.Options;

namespace Orders.Messaging;

/// <summary>How our receive endpoints declare their queues on RabbitMQ.</summary>
public static class RabbitMqEndpointExtensions
{
    /// <summary>Gives the endpoint's queue these arguments; MassTransit gives them to its error queue too.</summary>
    public static void SetQueueArguments(this IRabbitMqReceiveEndpointConfigurator endpoint, Dictionary<string, object?> arguments)
    {
        foreach (var (name, value) in arguments)
        {
            endpoint.SetQueueArgument(name, value!);
        }
    }

    /// <summary>Declares a durable queue, and the exchange of its name, beside the endpoint's own when the endpoint connects.</summary>
    public static void DeclareQueue(this IRabbitMqReceiveEndpointConfigurator endpoint, string queue, Dictionary<string, object?> arguments) =>
        endpoint.ConfigureChannel(channels => channels.UseExecuteAsync(channel => channel.DeclareWithExchangeAsync(queue, arguments)));

    /// <summary>MassTransit's settings of the endpoint's error queue. They are complete when the endpoint connects.</summary>
    public static ErrorSettings GetErrorSettings(this IRabbitMqReceiveEndpointConfiguration endpoint) =>
        endpoint.Topology.Send.GetErrorSettings(endpoint.Settings);

    /// <summary>Declares an error queue, as MassTransit does with the first fault.</summary>
    public static Task DeclareAsync(this ErrorSettings errors, ChannelContext channel) =>
        new ConfigureRabbitMqTopologyFilter<ErrorSettings>(errors, errors.GetBrokerTopology()).Configure(channel, channel.CancellationToken);

    /// <summary>The configured type of queues.</summary>
    public static QueueType GetQueueType(this IServiceProvider services) =>
        services.GetRequiredService<IOptions<RabbitMqOptions>>().Value.QueueType;
}
