using MassTransit;

namespace Orders.Messaging;

/// <summary>Publishes that end. By MassTransit alone, one whose channel is closed meanwhile may wait for ever.</summary>
public static class BoundedPublish
{
    /// <summary>Publishes a message by its type at run time, and gives it up after a time: it is not published later.</summary>
    /// <exception cref="OperationCanceledException">Cancelled, or the time is up.</exception>
    public static Task PublishWithinAsync(this IPublishEndpoint endpoint, object message, TimeSpan limit, CancellationToken cancellationToken) =>
        WithinAsync(token => endpoint.Publish(message, token), limit, cancellationToken);

    /// <summary>The same for a message of which more is to be set.</summary>
    /// <inheritdoc cref="PublishWithinAsync(IPublishEndpoint, object, TimeSpan, CancellationToken)" path="/exception"/>
    public static Task PublishWithinAsync<T>(
        this IPublishEndpoint endpoint, T message, Action<PublishContext<T>> configure, TimeSpan limit, CancellationToken cancellationToken)
        where T : class => WithinAsync(token => endpoint.Publish(message, configure, token), limit, cancellationToken);

    private static async Task WithinAsync(Func<CancellationToken, Task> publishAsync, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        giveUp.CancelAfter(limit);
        // By the token twice: MassTransit and the client do not look at it all the time.
        await publishAsync(giveUp.Token).WaitAsync(giveUp.Token);
    }
}
