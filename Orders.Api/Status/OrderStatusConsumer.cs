using System.Runtime.Serialization;
using Contracts;
using MassTransit;
using Orders.Api.OrderStore;
using Orders.Email;
using Orders.Ledger;

namespace Orders.Api.Status;

/// <summary>Records in the order store what the workers tell of orders and of further notifications, whoever asked for those.</summary>
public sealed partial class OrderStatusConsumer(
    IOrderStore store, IHostApplicationLifetime lifetime, TimeProvider clock, ILogger<OrderStatusConsumer> logger)
    : IConsumer<OrderConfirmationSent>, IConsumer<OrderConfirmationRetrying>, IConsumer<OrderConfirmationFailed>,
        IConsumer<NotificationSent>, IConsumer<NotificationRetrying>, IConsumer<NotificationFailed>
{
    /// <summary>The longest name of a notification that is taken for one.</summary>
    private const int LongestName = 64;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long an event is kept while the order store is away, then it is handed back to the queue: RabbitMQ closes the
    /// channel over a message that is unacknowledged for 30 minutes.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <inheritdoc/>
    public Task Consume(ConsumeContext<OrderConfirmationSent> context) =>
        RecordAsync(context, NotificationKey.OrderConfirmation, Required(context.Message.OrderId), null, Sent(context.Message.SentAt, context.Message.MessageId));

    /// <inheritdoc/>
    public Task Consume(ConsumeContext<OrderConfirmationRetrying> context) => RecordAsync(
        context,
        NotificationKey.OrderConfirmation,
        Required(context.Message.OrderId),
        null,
        Retrying(context.Message.At, context.Message.Attempts, context.Message.NextAttemptAt, context.Message.Reason));

    /// <inheritdoc/>
    public Task Consume(ConsumeContext<OrderConfirmationFailed> context) =>
        RecordAsync(context, NotificationKey.OrderConfirmation, context.Message.OrderId, null, Failed(context.Message.FailedAt, context.Message.Reason));

    /// <inheritdoc/>
    public Task Consume(ConsumeContext<NotificationSent> context) => RecordAsync(
        context, context.Message.Notification, Required(context.Message.OrderId), context.Message.Reference, Sent(context.Message.SentAt, context.Message.MessageId));

    /// <inheritdoc/>
    public Task Consume(ConsumeContext<NotificationRetrying> context) => RecordAsync(
        context,
        context.Message.Notification,
        Required(context.Message.OrderId),
        context.Message.Reference,
        Retrying(context.Message.At, context.Message.Attempts, context.Message.NextAttemptAt, context.Message.Reason));

    /// <inheritdoc/>
    public Task Consume(ConsumeContext<NotificationFailed> context) => RecordAsync(
        context, context.Message.Notification, context.Message.OrderId, context.Message.Reference, Failed(context.Message.FailedAt, context.Message.Reason));

    private NotificationChange Sent(DateTimeOffset at, string? messageId) => new(NotificationStatus.Sent, At(at), MessageId: messageId);

    private NotificationChange Retrying(DateTimeOffset at, int attempts, DateTimeOffset? nextAttemptAt, string? reason) =>
        new(NotificationStatus.Retrying, At(at), attempts, nextAttemptAt?.ToUniversalTime(), Reason: Clean(reason));

    private NotificationChange Failed(DateTimeOffset at, string? reason) => new(NotificationStatus.Failed, At(at), Reason: Clean(reason));

    /// <exception cref="SerializationException">The event does not say which notification it is about.</exception>
    private async Task RecordAsync(ConsumeContext context, string? notification, string? orderId, string? reference, NotificationChange change)
    {
        if (string.IsNullOrWhiteSpace(notification) || notification.Length > LongestName || notification.Any(char.IsControl))
        {
            throw new SerializationException("The event says nothing of a notification: its name is missing, or no name.");
        }

        // Of a message that nobody could read, or that has an id which nobody could ask for.
        if (!OrderRules.IsOrderId(orderId))
        {
            return;
        }

        var key = new NotificationKey(orderId!, notification, Clean(reference));
        var began = clock.GetTimestamp();
        while (true)
        {
            try
            {
                await store.RecordAsync(key, change, context.CancellationToken);
                return;
            }
            catch (LedgerUnreachableException exception) when (clock.GetElapsedTime(began) < Patience
                && !lifetime.ApplicationStopping.IsCancellationRequested && !context.CancellationToken.IsCancellationRequested)
            {
                Log.Waits(logger, exception.Message);
                await PauseAsync(context.CancellationToken);
            }
        }
    }

    private async Task PauseAsync(CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        await Task.Delay(Pause, clock, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private DateTimeOffset At(DateTimeOffset told) => told == default ? clock.GetUtcNow() : told.ToUniversalTime();

    private static string Required(string? orderId) =>
        orderId ?? throw new SerializationException("The event says nothing of an order: orderId is missing.");

    /// <summary>The event may be a stranger's, and a mail server likes to repeat in its refusal whom it refuses.</summary>
    private static string? Clean(string? text) => text is null ? null : TextSanitizer.OneLine(text);

    private static partial class Log
    {
        // One for each event that waits, every second: the store's absence is told by those who need it for an answer.
        [LoggerMessage(EventId = 4, Level = LogLevel.Debug, Message = "What became of an order waits to be recorded: {Error}")]
        public static partial void Waits(ILogger logger, string error);
    }
}
