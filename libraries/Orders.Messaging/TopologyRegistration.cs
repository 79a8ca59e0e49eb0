using MassTransit;
using MassTransit.RabbitMqTransport;
using MassTransit.RabbitMqTransport.Configuration;
using MassTransit.RabbitMqTransport.Middleware;
using Microsoft.Extensions.Options;

namespace Orders.Messaging;

/// <summary>Has the bus do about the topology what the program is for: declare it, leave it alone, or deploy it.</summary>
public static class TopologyRegistration
{
    /// <summary>Makes the program one that deploys the topology, all of it, and then ends.</summary>
    public static void DeployTopology(this IHostApplicationBuilder builder) => builder.Services.AddSingleton<Deployment>();

    /// <summary>Says which messages the program, or one beside it, publishes. A deployed topology has their exchanges.</summary>
    public static void AddPublishedMessages(this IServiceCollection services, params IEnumerable<Type> messages) =>
        services.AddSingleton<ITopologyPart>(new PublishedMessages(messages));

    /// <summary>Applies it to the bus. Belongs after the names and the types of exchanges.</summary>
    public static void UseTopology(this IServiceProvider services, IRabbitMqBusFactoryConfigurator bus)
    {
        bus.DeployTopologyOnly = Deploys(services);
        var parts = services.GetServices<ITopologyPart>().ToArray();
        if (Deploys(services) || IsDeployed(services))
        {
            foreach (var message in parts.SelectMany(part => part.Messages))
            {
                // Known from the beginning to who deploys, and not when the first one is published.
                bus.Publish(message, publish => publish.Exclude = IsDeployed(services));
                bus.Publish(typeof(Fault<>).MakeGenericType(message), publish => publish.Exclude = IsDeployed(services));
            }
        }

        if (Deploys(services))
        {
            foreach (var part in parts)
            {
                part.Configure(bus, services);
            }
        }
    }

    /// <summary>Applies it to a receive endpoint. Belongs before anything else is configured there.</summary>
    public static void UseTopology(this IServiceProvider services, IRabbitMqReceiveEndpointConfigurator endpoint)
    {
        if (Deploys(services))
        {
            // The settings are not complete yet.
            endpoint.ConfigureChannel(channels => channels.UseExecuteAsync(channel => DeployAsync(channel, (IRabbitMqReceiveEndpointConfiguration)endpoint)));
        }
        else if (IsDeployed(services))
        {
            endpoint.DeclareNothing();
        }
    }

    /// <summary>What MassTransit would declare by and by: the error queue with the first fault, an exchange with the first message.</summary>
    private static async Task DeployAsync(ChannelContext channel, IRabbitMqReceiveEndpointConfiguration endpoint)
    {
        await endpoint.GetErrorSettings().DeclareAsync(channel);

        var published = endpoint.Topology.Publish;
        await new ConfigureRabbitMqTopologyFilter<IRabbitMqPublishTopology>(published, published.GetPublishBrokerTopology()).Configure(channel, channel.CancellationToken);
    }

    private static bool Deploys(IServiceProvider services) => services.GetService<Deployment>() is not null;

    private static bool IsDeployed(IServiceProvider services) =>
        !Deploys(services) && services.GetRequiredService<IOptions<RabbitMqOptions>>().Value.Topology == Topology.Deployed;

    private sealed class PublishedMessages(IEnumerable<Type> messages) : ITopologyPart
    {
        public IEnumerable<Type> Messages => messages;
    }

    /// <summary>Is there where the topology is deployed.</summary>
    private sealed class Deployment;
}
