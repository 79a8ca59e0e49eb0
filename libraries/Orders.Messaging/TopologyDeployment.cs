using MassTransit;
using Microsoft.Extensions.Options;

namespace Orders.Messaging;

/// <summary>Makes every queue, exchange and binding on the broker.</summary>
public static class TopologyDeployment
{
    /// <summary>Makes what the bus of these services and every <see cref="ITopologyPart"/> needs. What is there already is left as it is.</summary>
    /// <param name="services">Those of a program with <see cref="TopologyRegistration.DeployTopology"/>.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="RabbitMQ.Client.Exceptions.RabbitMQClientException">The broker refused something, or cannot be reached.</exception>
    /// <exception cref="MassTransitException">The same, where MassTransit was told of it.</exception>
    public static async Task DeployTopologyAsync(this IServiceProvider services, CancellationToken cancellationToken)
    {
        var broker = services.GetRequiredService<IOptions<RabbitMqOptions>>().Value;
        await using (var connection = await broker.ConnectAsync("deploy-topology", cancellationToken))
        {
            await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
            foreach (var part in services.GetServices<ITopologyPart>())
            {
                await part.DeclareAsync(channel, cancellationToken);
            }
        }

        await DeployAsync(services.GetRequiredService<IBusControl>(), cancellationToken);
    }

    /// <summary>What MassTransit uses. It would go on trying whatever is refused, so the first refusal ends it.</summary>
    private static async Task DeployAsync(IBusControl bus, CancellationToken cancellationToken)
    {
        var refusal = new Refusal();
        using var _ = bus.ConnectReceiveEndpointObserver(refusal);
        var deployed = bus.DeployAsync(cancellationToken);
        await await Task.WhenAny(deployed, refusal.Refused);
    }

    private sealed class Refusal : IReceiveEndpointObserver
    {
        private readonly TaskCompletionSource _refused = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Refused => _refused.Task;

        public Task Faulted(ReceiveEndpointFaulted faulted)
        {
            _refused.TrySetException(faulted.Exception!);
            return Task.CompletedTask;
        }

        public Task Ready(ReceiveEndpointReady ready) => Task.CompletedTask;

        public Task Stopping(ReceiveEndpointStopping stopping) => Task.CompletedTask;

        public Task Completed(ReceiveEndpointCompleted completed) => Task.CompletedTask;
    }
}
