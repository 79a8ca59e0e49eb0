using MassTransit;

namespace Orders.Messaging;

/// <summary>Publishes that end. By MassTransit alone, one whose channel is closed meanwhile may wait for ever.</summary>
public static class BoundedPublish
{
    /// <summary>Publishes a message, and gives it up after a time: it is not published later.</summary>
    /// <exception cref="OperationCanceledException">Cancelled, or the time is up.</exception>
    public static Task PublishWithinAsync<T>(this IPublishEndpoint endpoint, T message, TimeSpan limit, CancellationToken cancellationToken)
        where T : class => endpoint.PublishWithinAsync(message, _ => { }, limit, cancellationToken);

    /// <summary>The same for a message of which more is to be set.</summary>
    public static async Task PublishWithinAsync<T>(
        this IPublishEndpoint endpoint, T message, Action<PublishContext<T>> configure, TimeSpan limit, CancellationToken cancellationToken)
        where T : class
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        giveUp.CancelAfter(limit);
        // By the token twice: MassTransit and the client do not look at it all the time.
        await endpoint.Publish(message, configure, giveUp.Token).WaitAsync(giveUp.Token);
    }
}
