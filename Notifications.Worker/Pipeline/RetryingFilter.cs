using MassTransit;
using Orders.Email.Deliveries;
using Orders.FaultQueues;
using Orders.FaultQueues.Policy;
using Orders.Messaging;
using Orders.Messaging.Failures;

namespace Notifications.Worker.Pipeline;

/// <summary>
/// Publishes the <see cref="Notification{TMessage}.RetryingEvent"/> for each delivery that failed and will be made again. Belongs between
/// the redelivery filter, which has the delays, and the retry filter: what is tried again at once is nobody's concern.
/// </summary>
/// <param name="notification">Whose message it is.</param>
/// <param name="delays">The delays of the redelivery filter.</param>
/// <param name="policy">The policy of the redeliver job, where it runs in this process.</param>
/// <param name="clock">The time.</param>
/// <param name="logger">Is told where nobody could be.</param>
internal sealed partial class RetryingFilter<TMessage>(
    Notification<TMessage> notification, IReadOnlyList<TimeSpan> delays, RedeliverPolicy? policy, TimeProvider clock, ILogger<RetryingFilter<TMessage>> logger)
    : IFilter<ConsumeContext<TMessage>>
    where TMessage : class
{
    /// <summary>How long the broker may take for it before it is given up.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public async Task Send(ConsumeContext<TMessage> context, IPipe<ConsumeContext<TMessage>> next)
    {
        try
        {
            await next.Send(context);
        }
        // Without the ledger nobody knows whether it is the message that has these ids.
        catch (Exception exception) when (exception is not (OperationCanceledException or UnclaimedEmailException) && FailureKinds.Of(exception) == FailureKind.Transient)
        {
            if (notification.HasProperKey(context.Message))
            {
                await PublishAsync(context, exception);
            }

            throw;
        }
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("retrying");

    private async Task PublishAsync(ConsumeContext<TMessage> context, Exception exception)
    {
        var now = clock.GetUtcNow();
        var (redeliveries, replays) = (Math.Max(0, context.GetRedeliveryCount()), context.GetRedeliverCount());
        var isDelayed = redeliveries < delays.Count;
        if (!isDelayed && policy?.WillReplay(replays) == false)
        {
            // It is parked, of which others tell.
            return;
        }

        var retrying = notification.RetryingEvent(
            notification.KeyOf(context.Message),
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
