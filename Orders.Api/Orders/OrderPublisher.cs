using Contracts;
using MassTransit;
using Orders.Api.OrderBook;
using Orders.Messaging;

namespace Orders.Api.Orders;

/// <summary>Publishes orders, and knows what became of each.</summary>
/// <param name="bus">The bus.</param>
/// <param name="logger">The log.</param>
/// <param name="broker">Knows whether the broker takes messages; <c>null</c> where there is no broker.</param>
public sealed partial class OrderPublisher(IBus bus, ILogger<OrderPublisher> logger, BrokerWatch? broker = null)
{
    /// <summary>How long the broker has to confirm an order.</summary>
    public static readonly TimeSpan ConfirmTimeout = OrderClaim.TimeToPublish;

    /// <summary>Publishes an order and waits until the broker has it safe in at least one queue.</summary>
    /// <param name="order">The order.</param>
    /// <param name="cancellationToken">The client went away; what was handed to the broker stays there.</param>
    public async Task<PublishOutcome> PublishAsync(OrderPlaced order, CancellationToken cancellationToken)
    {
        if (broker?.Problem is { } problem)
        {
            // Given to a connection that the broker does not read from, it would be placed whenever the broker reads again.
            Log.NotConfirmed(logger, order.OrderId, problem);
            return PublishOutcome.NotPlaced;
        }

        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(ConfirmTimeout);
        var handedOver = false;
        try
        {
            var published = bus.Publish(
                order,
                context =>
                {
                    // Unroutable must be an error: an order that no queue takes would be lost with a confirm.
                    context.Mandatory = true;
                    // The same when the same order is published again.
                    context.MessageId = OrderContent.MessageIdOf(order);
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
            Log.NoQueue(logger, order.OrderId);
            return PublishOutcome.NotPlaced;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            Log.NotConfirmed(logger, order.OrderId, exception.GetBaseException().Message);
            return handedOver ? PublishOutcome.Unknown : PublishOutcome.NotPlaced;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Warning, Message = "Order {OrderId} was refused: no worker has declared its queue on the broker yet")]
        public static partial void NoQueue(ILogger logger, string orderId);

        [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "Order {OrderId} was not confirmed by the broker: {Error}")]
        public static partial void NotConfirmed(ILogger logger, string orderId, string error);
    }
}

/// <summary>What became of a published order.</summary>
public enum PublishOutcome
{
    /// <summary>The broker has it safe.</summary>
    Confirmed,

    /// <summary>It is certain that the broker does not have it, and never will.</summary>
    NotPlaced,

    /// <summary>It was on its way when the time was up: the broker may have it.</summary>
    Unknown,
}
