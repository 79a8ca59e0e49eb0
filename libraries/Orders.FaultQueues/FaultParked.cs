using MassTransit;
using Orders.Messaging;

namespace Orders.FaultQueues;

/// <summary>The redeliver job gave up a message of another program's endpoint: it waits for a person.</summary>
/// <param name="Endpoint">The endpoint, by the name of its queue.</param>
/// <param name="Subject">What the message is about, where it says so.</param>
/// <param name="Reason">Why, in one line.</param>
/// <param name="At">When it was parked.</param>
[MessageUrn("Contracts:FaultParked")]
public sealed record FaultParked(string Endpoint, string? Subject, string Reason, DateTimeOffset At);

/// <summary>Publishes it.</summary>
internal sealed class FaultParkedAnnouncer(FaultEndpoint endpoint, IServiceProvider services) : IParkedAnnouncer
{
    /// <summary>How long the broker may take for it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public Task AnnounceAsync(FaultMessage message, string? subject, string reason, DateTimeOffset at, CancellationToken cancellationToken) =>
        services.GetRequiredService<IBus>().PublishWithinAsync(new FaultParked(endpoint.Queue, subject, reason, at), Patience, cancellationToken);
}
