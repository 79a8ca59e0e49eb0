using MassTransit;
using Microsoft.Extensions.Options;

namespace Notifications.Worker.Messaging;

/// <summary>How our receive endpoints declare their queues on RabbitMQ.</summary>
internal static class RabbitMqEndpointExtensions
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

    /// <summary>The configured type of queues.</summary>
    public static QueueType GetQueueType(this IServiceProvider services) =>
        services.GetRequiredService<IOptions<RabbitMqOptions>>().Value.QueueType;
}
