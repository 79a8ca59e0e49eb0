using MassTransit;
using RabbitMQ.Client;

namespace Orders.Messaging;

/// <summary>
/// What a part of the system needs on the broker beside the receive endpoints of its consumers. Registered as a service, it is
/// there wherever the topology is deployed.
/// </summary>
public interface ITopologyPart
{
    /// <summary>The messages that it publishes.</summary>
    IEnumerable<Type> Messages => [];

    /// <summary>Adds receive endpoints whose consumers run in other programs, for a program that deploys the topology.</summary>
    /// <param name="bus">The bus.</param>
    /// <param name="services">The program's services.</param>
    void Configure(IRabbitMqBusFactoryConfigurator bus, IServiceProvider services)
    {
    }

    /// <summary>Declares what is used beside MassTransit; does nothing where it is there already.</summary>
    /// <param name="channel">A channel of the user who may declare.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task DeclareAsync(IChannel channel, CancellationToken cancellationToken) => Task.CompletedTask;
}
