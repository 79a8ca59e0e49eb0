using Contracts;
using MassTransit;
using Orders.Email.Deliveries;
using Orders.FaultQueues;
using Orders.FaultQueues.Policy;
using Orders.Messaging;
using Orders.Messaging.Failures;

namespace Notifications.Worker.OrderConfirmation;

/// <summary>
/// Publishes <see cref="OrderConfirmationRetrying"/> for each delivery that failed and will be made again. Belongs between
/// the redelivery filter, which has the delays, and the retry filter: what is tried again at once is nobody's concern.
/// </summary>
/// <param name="delays">The delays of the redelivery filter.</param>
/// <param name="policy">The policy of the redeliver job, where it runs in this process.</param>
/// <param name="clock">The time.</param>
/// <param name="logger">Is told where nobody could be.</param>
internal sealed partial class RetryingFilter(
    IReadOnlyList<TimeSpan> delays, RedeliverPolicy? policy, TimeProvider clock, ILogger<RetryingFilter> logger) : IFilter<ConsumeContext<OrderPlaced>>
{
    /// <summary>How long the broker may take for it before it is given up.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public async Task Send(ConsumeContext<OrderPlaced> context, IPipe<ConsumeContext<OrderPlaced>> next)
    {
        try
        {
            await next.Send(context);
        }
        // Without the ledger nobody knows whether it is the order that has this id.
        catch (Exception exception) when (exception is not (OperationCanceledException or UnclaimedEmailException) && FailureKinds.Of(exception) == FailureKind.Transient)
        {
            if (OrderRules.IsOrderId(context.Message.OrderId))
            {
                await TellAsync(context, exception);
            }

            throw;
        }
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("retrying");

    private async Task TellAsync(ConsumeContext<OrderPlaced> context, Exception exception)
    {
        var now = clock.GetUtcNow();
        var (redeliveries, replays) = (Math.Max(0, context.GetRedeliveryCount()), context.GetRedeliverCount());
        var isDelayed = redeliveries < delays.Count;
        if (!isDelayed && policy?.WillReplay(replays) == false)
        {
            // It is parked, of which others tell.
            return;
        }

        var retrying = new OrderConfirmationRetrying(
            context.Message.OrderId,
            (replays * (delays.Count + 1)) + redeliveries + 1,
            isDelayed ? now + delays[redeliveries] : policy is null ? null : now + policy.WaitBefore(replays),
            // Only of our own exceptions it is known that their message is one line and holds no address.
            exception is IForeseenFailure ? exception.Message : exception.GetType().FullName!,
            now);
        try
        {
            await context.PublishWithinAsync(retrying, Patience, context.CancellationToken);
        }
        catch (Exception failure)
        {
            Log.NotTold(logger, context.MessageId, failure.GetBaseException().Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 104, Level = LogLevel.Warning, Message = "Nobody could be told that message {MessageId} will be tried again: {Error}")]
        public static partial void NotTold(ILogger logger, Guid? messageId, string error);
    }
}
