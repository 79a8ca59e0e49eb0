using System.Runtime.Serialization;
using Contracts;
using MassTransit;
using Orders.Api.OrderBook;
using Orders.Email;
using Orders.Ledger;

namespace Orders.Api.Status;

/// <summary>Records in the order book what the workers tell of orders, whoever placed them.</summary>
public sealed partial class OrderStatusConsumer(
    IOrderBook book, IHostApplicationLifetime lifetime, TimeProvider clock, ILogger<OrderStatusConsumer> logger)
    : IConsumer<OrderConfirmationSent>, IConsumer<OrderConfirmationRetrying>, IConsumer<OrderConfirmationFailed>
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long an event is kept while the order book is away, then it is handed back to the queue: RabbitMQ closes the
    /// channel over a message that is unacknowledged for 30 minutes.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <inheritdoc/>
    public Task Consume(ConsumeContext<OrderConfirmationSent> context) =>
        RecordAsync(context, Required(context.Message.OrderId), new NotificationChange(NotificationStatus.Sent, At(context.Message.SentAt), MessageId: context.Message.MessageId));

    /// <inheritdoc/>
    public Task Consume(ConsumeContext<OrderConfirmationRetrying> context) =>
        RecordAsync(context, Required(context.Message.OrderId), new NotificationChange(
            NotificationStatus.Retrying,
            At(context.Message.At),
            context.Message.Attempts,
            context.Message.NextAttemptAt?.ToUniversalTime(),
            Reason: Clean(context.Message.Reason)));

    /// <inheritdoc/>
    public Task Consume(ConsumeContext<OrderConfirmationFailed> context) =>
        RecordAsync(context, context.Message.OrderId, new NotificationChange(NotificationStatus.Failed, At(context.Message.FailedAt), Reason: Clean(context.Message.Reason)));

    private async Task RecordAsync(ConsumeContext context, string? orderId, NotificationChange change)
    {
        // Of a message that nobody could read, or that has an id which nobody could ask for.
        if (!OrderRules.IsOrderId(orderId))
        {
            return;
        }

        var began = clock.GetTimestamp();
        while (true)
        {
            try
            {
                await book.RecordAsync(NotificationKey.Confirmation(orderId!), change, context.CancellationToken);
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
    private static string? Clean(string? reason) => reason is null ? null : ForeignText.OneLine(reason);

    private static partial class Log
    {
        // One for each event that waits, every second: the store's absence is told by those who need it for an answer.
        [LoggerMessage(EventId = 4, Level = LogLevel.Debug, Message = "What became of an order waits to be recorded: {Error}")]
        public static partial void Waits(ILogger logger, string error);
    }
}
