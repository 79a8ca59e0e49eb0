using System.Runtime.Serialization;
using Contracts;
using MassTransit;
using Orders.Email;
using Orders.Email.Deliveries;
using Orders.FaultQueues;
using Orders.Ledger;
using Orders.Messaging;

namespace Notifications.Worker.OrderConfirmation;

/// <summary>Emails the customer that the order has arrived, then publishes <see cref="OrderConfirmationSent"/>.</summary>
/// <param name="confirmation">Writes the email.</param>
/// <param name="sender">Sends it.</param>
/// <param name="metrics">Measures how long it took.</param>
/// <param name="clock">The time.</param>
/// <param name="logger">The log.</param>
/// <param name="ledger">Knows whose an order id is; <c>null</c> where nobody does.</param>
public sealed partial class OrderConfirmationConsumer(
    OrderConfirmationEmail confirmation,
    IEmailSender sender,
    OrderConfirmationMetrics metrics,
    TimeProvider clock,
    ILogger<OrderConfirmationConsumer> logger,
    IDeliveryLedger? ledger = null) : IConsumer<OrderPlaced>
{
    /// <inheritdoc/>
    /// <exception cref="EmailException">The email was not sent, or is not known to be sent.</exception>
    /// <exception cref="OrderConflictException">Another order has its id.</exception>
    /// <exception cref="InvalidOrderException">The order breaks the rules.</exception>
    /// <exception cref="SerializationException">The message says nothing about an order.</exception>
    public async Task Consume(ConsumeContext<OrderPlaced> context)
    {
        var order = context.Message;
        // JSON of another shape becomes an OrderPlaced of nulls.
        (string? orderId, string? address, string? product, _) = order;
        if ((orderId ?? address ?? product) is null)
        {
            throw new SerializationException("The message is not an OrderPlaced: orderId, email and product are missing.");
        }

        if (OrderRules.FindMistakes(orderId, address, product) is { Count: > 0 } mistakes)
        {
            throw context.GetCorrectedOrder() != order.OrderId && await HasIdOfAnotherAsync(order)
                ? new OrderConflictException(order.OrderId)
                : new InvalidOrderException(mistakes.Values.SelectMany(mistake => mistake));
        }

        if (order.PlacedAt == default)
        {
            order = order with { PlacedAt = context.GetSentAt() ?? clock.GetUtcNow() };
        }

        var email = await confirmation.ComposeAsync(order) with
        {
            Decision = context.GetDecision(),
            IsCorrection = context.GetCorrectedOrder() == order.OrderId,
        };
        SentEmail sent;
        try
        {
            sent = await sender.SendAsync(email, context.CancellationToken);
        }
        catch (DeliveryConflictException)
        {
            throw new OrderConflictException(order.OrderId);
        }
        catch (EmailException exception)
        {
            Log.NotSent(logger, email.MessageId, context.GetRetryAttempt() + 1, context.GetRedeliveryCount() + 1, exception.Message);
            throw;
        }

        if (sent.Before is { } before)
        {
            // Whoever sent it may have died before it could tell.
            Log.SentBefore(logger, sent.MessageId, before);
            await AnnounceAsync(context, new OrderConfirmationSent(order.OrderId, sent.MessageId, before));
            return;
        }

        var sentAt = clock.GetUtcNow();
        metrics.Confirm(sentAt - order.PlacedAt);
        Log.Confirmed(logger, sent.MessageId);

        await AnnounceAsync(context, new OrderConfirmationSent(order.OrderId, sent.MessageId, sentAt));
    }

    /// <summary>Of an order that is not sent for its own mistakes nothing may be told by the id of another one, either.</summary>
    private async Task<bool> HasIdOfAnotherAsync(OrderPlaced order)
    {
        if (ledger is null || !OrderRules.IsOrderId(order.OrderId))
        {
            return false;
        }

        try
        {
            return await ledger.IsConflictAsync(
                new DeliveryAttempt(order.OrderId, OrderConfirmationEndpoint.Notification, MessageId: "") { Content = OrderRules.ContentOf(order) });
        }
        catch (LedgerUnreachableException failure)
        {
            throw new UnclaimedEmailException(failure.Message);
        }
    }

    private async Task AnnounceAsync(ConsumeContext<OrderPlaced> context, OrderConfirmationSent sent)
    {
        try
        {
            // A publish whose channel is closed meanwhile may never end. It would keep the place of another message.
            await context.Publish(sent, context.CancellationToken).WaitAsync(context.CancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // The email is out. To fail now would send it again.
            Log.NotAnnounced(logger, sent.MessageId, exception);
        }
    }

    // The Message-ID names the order, and unlike the order id of a stranger's message it is safe in a log.
    private static partial class Log
    {
        [LoggerMessage(EventId = 100, Level = LogLevel.Information, Message = "Confirmation {MessageId} sent")]
        public static partial void Confirmed(ILogger logger, string messageId);

        [LoggerMessage(EventId = 103, Level = LogLevel.Information, Message = "Confirmation {MessageId} was sent before, at {At:O}: it is not sent again")]
        public static partial void SentBefore(ILogger logger, string messageId, DateTimeOffset at);

        [LoggerMessage(EventId = 102, Level = LogLevel.Warning, Message = "Confirmation {MessageId} not sent (try {Attempt} of delivery {Delivery}): {Error}")]
        public static partial void NotSent(ILogger logger, string messageId, int attempt, int delivery, string error);

        [LoggerMessage(EventId = 101, Level = LogLevel.Error, Message = "Confirmation {MessageId} sent, but OrderConfirmationSent could not be published")]
        public static partial void NotAnnounced(ILogger logger, string messageId, Exception exception);
    }
}
