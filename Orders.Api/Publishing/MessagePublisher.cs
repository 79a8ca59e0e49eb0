using MassTransit;
using Orders.Api.OrderStore;
using Orders.Messaging;

namespace Orders.Api.Publishing;

/// <summary>Publishes messages, and knows what became of each.</summary>
/// <param name="bus">The bus.</param>
/// <param name="logger">The log.</param>
/// <param name="broker">Knows whether the broker takes messages; <c>null</c> where there is no broker.</param>
public sealed partial class MessagePublisher(IBus bus, ILogger<MessagePublisher> logger, BrokerWatch? broker = null)
{
    /// <summary>How long the broker has to confirm a message.</summary>
    public static readonly TimeSpan ConfirmTimeout = StoreClaim.TimeToPublish;

    /// <summary>Publishes a message and waits until the broker has it safe in at least one queue.</summary>
    /// <param name="what">What to publish.</param>
    /// <param name="at">When it was accepted.</param>
    /// <param name="cancellationToken">The client went away; what was handed to the broker stays there.</param>
    public async Task<PublishOutcome> PublishAsync<T>(Publication<T> what, DateTimeOffset at, CancellationToken cancellationToken)
        where T : class
    {
        if (broker?.Problem is { } problem)
        {
            // Given to a connection that the broker does not read from, it would be published whenever the broker reads again.
            Log.NotConfirmed(logger, typeof(T).Name, what.Key.OrderId, problem);
            return PublishOutcome.NotPublished;
        }

        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(ConfirmTimeout);
        var handedOver = false;
        try
        {
            var published = bus.Publish(
                what.Message(at),
                context =>
                {
                    // Unroutable must be an error: a message that no queue takes would be lost with a confirm.
                    context.Mandatory = true;
                    // The same when the same is published again.
                    context.MessageId = what.Content.MessageId;
                    // MassTransit comes here once it has a channel to the broker, and looks at the token once more before
                    // it writes to it.
                    handedOver = true;
                },
                timeout.Token);
            // It does not look at the token while it declares the exchange.
            await published.WaitAsync(timeout.Token);
            return PublishOutcome.Confirmed;
        }
        catch (MessageReturnedException)
        {
            Log.NoQueue(logger, typeof(T).Name, what.Key.OrderId);
            return PublishOutcome.NotPublished;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            Log.NotConfirmed(logger, typeof(T).Name, what.Key.OrderId, exception.GetBaseException().Message);
            return handedOver ? PublishOutcome.Unknown : PublishOutcome.NotPublished;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Warning, Message = "{Message} of order {OrderId} was refused: no worker has declared its queue on the broker yet")]
        public static partial void NoQueue(ILogger logger, string message, string orderId);

        [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "{Message} of order {OrderId} was not confirmed by the broker: {Error}")]
        public static partial void NotConfirmed(ILogger logger, string message, string orderId, string error);
    }
}

/// <summary>What became of a message that was handed to the broker.</summary>
public enum PublishOutcome
{
    /// <summary>The broker has it safe.</summary>
    Confirmed,

    /// <summary>It is certain that the broker does not have it, and never will.</summary>
    NotPublished,

    /// <summary>It was on its way when the time was up: the broker may have it.</summary>
    Unknown,
}
