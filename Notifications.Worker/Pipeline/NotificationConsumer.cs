using System.Reflection;
using System.Runtime.Serialization;
using System.Text.Json;
using MassTransit;
using Orders.Email;
using Orders.Email.Deliveries;
using Orders.FaultQueues;
using Orders.Ledger;
using Orders.Messaging;

namespace Notifications.Worker.Pipeline;

/// <summary>Emails the customer, then publishes the <see cref="Notification{TMessage}.SentEvent"/>.</summary>
/// <param name="notification">What is sent, and when not.</param>
/// <param name="templates">What emails are written with.</param>
/// <param name="sender">Sends them.</param>
/// <param name="metrics">Measures how long it took.</param>
/// <param name="clock">The time.</param>
/// <param name="logger">The log.</param>
/// <param name="ledger">Knows whose an order id is; <c>null</c> where nobody does.</param>
internal sealed partial class NotificationConsumer<TMessage>(
    Notification<TMessage> notification,
    EmailTemplates templates,
    IEmailSender sender,
    NotificationMetrics<TMessage> metrics,
    TimeProvider clock,
    ILogger<NotificationConsumer<TMessage>> logger,
    IDeliveryLedger? ledger = null) : IConsumer<TMessage>
    where TMessage : class
{
    /// <summary>The properties that JSON of another shape leaves out: it has no value for them.</summary>
    private static readonly PropertyInfo[] Fields = [.. typeof(TMessage).GetProperties().Where(property => !property.PropertyType.IsValueType)];

    /// <inheritdoc/>
    /// <exception cref="EmailException">The email was not sent, or is not known to be sent.</exception>
    /// <exception cref="ConflictException">Another message has its ids.</exception>
    /// <exception cref="InvalidMessageException">The message breaks the rules.</exception>
    /// <exception cref="SerializationException">The message says nothing that is known.</exception>
    public async Task Consume(ConsumeContext<TMessage> context)
    {
        var message = context.Message;
        // JSON of another shape becomes a message of nulls.
        if (Array.TrueForAll(Fields, field => field.GetValue(message) is null))
        {
            var names = Fields.Select(field => JsonNamingPolicy.CamelCase.ConvertName(field.Name)).ToArray();
            throw new SerializationException(
                $"The message is not an {typeof(TMessage).Name}: {string.Join(", ", names[..^1])} and {names[^1]} are missing.");
        }

        var key = notification.KeyOf(message);
        var isCorrected = context.GetCorrectedOrder() == key.OrderId;
        if (notification.ListMistakes(message) is { Count: > 0 } mistakes)
        {
            throw !isCorrected && await HasKeyOfAnotherAsync(message)
                ? new ConflictException(notification.ConflictText(key))
                : new InvalidMessageException(notification.Noun, mistakes);
        }

        if (notification.TimeOf(message) == default)
        {
            message = notification.WithTime(message, context.GetSentAt() ?? clock.GetUtcNow());
        }

        var email = await notification.ComposeAsync(message, templates) with
        {
            Decision = context.GetDecision(),
            IsCorrection = isCorrected,
        };
        SentEmail sent;
        try
        {
            sent = await sender.SendAsync(email, context.CancellationToken);
        }
        catch (DeliveryConflictException)
        {
            throw new ConflictException(notification.ConflictText(key));
        }
        catch (EmailException exception)
        {
            Log.NotSent(logger, email.MessageId, context.GetRetryAttempt() + 1, context.GetRedeliveryCount() + 1, exception.Message);
            throw;
        }

        if (sent.Before is { } before)
        {
            // The worker that sent it may have died before it could announce that.
            Log.SentBefore(logger, sent.MessageId, before);
            await AnnounceAsync(context, sent.MessageId, notification.SentEvent(key, sent.MessageId, before));
            return;
        }

        var sentAt = clock.GetUtcNow();
        metrics.Send(sentAt - notification.TimeOf(message));
        Log.Sent(logger, sent.MessageId);

        await AnnounceAsync(context, sent.MessageId, notification.SentEvent(key, sent.MessageId, sentAt));
    }

    /// <summary>Of a message that is not sent for its own mistakes nothing may be told by the ids of another one, either.</summary>
    private async Task<bool> HasKeyOfAnotherAsync(TMessage message)
    {
        if (ledger is null || !notification.HasProperKey(message))
        {
            return false;
        }

        try
        {
            return await ledger.IsConflictAsync(
                new DeliveryAttempt(notification.KeyOf(message).ToString(), notification.Name, MessageId: "") { Content = notification.ContentOf(message) });
        }
        catch (LedgerUnreachableException failure)
        {
            throw new UnclaimedEmailException(failure.Message);
        }
    }

    private async Task AnnounceAsync(ConsumeContext<TMessage> context, string messageId, object sent)
    {
        try
        {
            // A publish whose channel is closed meanwhile may never end. It would keep the place of another message.
            await context.Publish(sent, context.CancellationToken).WaitAsync(context.CancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // The email is out. To fail now would send it again.
            Log.NotAnnounced(logger, messageId, sent.GetType().Name, exception);
        }
    }

    // The Message-ID names the notification and its key, and unlike the order id of a stranger's message it is safe in a log.
    private static partial class Log
    {
        [LoggerMessage(EventId = 100, Level = LogLevel.Information, Message = "The email {MessageId} was sent")]
        public static partial void Sent(ILogger logger, string messageId);

        [LoggerMessage(EventId = 103, Level = LogLevel.Information, Message = "The email {MessageId} was sent before, at {At:O}: it is not sent again")]
        public static partial void SentBefore(ILogger logger, string messageId, DateTimeOffset at);

        [LoggerMessage(EventId = 102, Level = LogLevel.Warning, Message = "The email {MessageId} was not sent (try {Attempt} of delivery {Delivery}): {Error}")]
        public static partial void NotSent(ILogger logger, string messageId, int attempt, int delivery, string error);

        [LoggerMessage(EventId = 101, Level = LogLevel.Error, Message = "The email {MessageId} was sent, but {Event} could not be published")]
        public static partial void NotAnnounced(ILogger logger, string messageId, string @event, Exception exception);
    }
}
