using Orders.Messaging;

namespace Orders.FaultQueues.Job;

/// <summary>Runs a <see cref="RedeliverJob"/> for every endpoint that is replayed, and a <see cref="ParkingWatch"/> where a broker can park by itself.</summary>
internal sealed class FaultJobs(FaultEndpoints endpoints, IServiceProvider services, RabbitMqConnection? broker = null) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(endpoints.All.Where(endpoint => endpoint.IsReplayed).SelectMany(endpoint => Run(endpoint, stoppingToken)));

    private IEnumerable<Task> Run(FaultEndpoint endpoint, CancellationToken stoppingToken)
    {
        yield return ActivatorUtilities.CreateInstance<RedeliverJob>(services, endpoint).RunAsync(stoppingToken);
        if (broker is not null)
        {
            yield return ActivatorUtilities.CreateInstance<ParkingWatch>(services, endpoint).RunAsync(stoppingToken);
        }
    }
}
