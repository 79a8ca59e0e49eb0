using System.Diagnostics;
using MassTransit;
using MassTransit.Logging;
using MassTransit.Middleware;
using MassTransit.Middleware.Rescue;
using Microsoft.Extensions.Options;
using Orders.Messaging;
using Orders.Messaging.Failures;
using Orders.Messaging.Operators;

namespace Orders.FaultQueues;

/// <summary>Configures how an endpoint sets aside what it cannot handle.</summary>
public static class FaultEndpointExtensions
{
    /// <summary>
    /// Sends every message that fails for the last time to the endpoint's error queue, sorted by
    /// <see cref="FailureKind"/>; messages that no consumer takes, and those that came back
    /// <paramref name="deliveryLimit"/> times, too.
    /// </summary>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="context">The bus's registration.</param>
    /// <param name="faults">The same endpoint, as its faults are looked after.</param>
    /// <param name="deliveryLimit">How often a message may come back.</param>
    /// <param name="onRefused">
    /// Is told of a message that the broker does not take for the error queue, and why, before it is rejected: for an endpoint
    /// whose queue dead-letters. Elsewhere such a message is delivered again.
    /// </param>
    public static void SetFaultsAside(
        this IReceiveEndpointConfigurator endpoint,
        IRegistrationContext context,
        FaultEndpoint faults,
        int deliveryLimit,
        Func<ExceptionReceiveContext, string, Task>? onRefused = null)
    {
        var sorter = new FaultSorter(
            faults, context.GetRequiredService<OperatorEvents>(), context.GetRequiredService<TimeProvider>(), context.GetRequiredService<ILogger<FaultSorter>>());

        IFilter<ExceptionReceiveContext>? errorQueue = null;
        if (endpoint is IRabbitMqReceiveEndpointConfigurator onRabbitMq)
        {
            RejectedDeliveries.AddTo(onRabbitMq);
            endpoint.UseFilter(new PropagatedHeadersFilter());
            var declares = context.GetRequiredService<IOptions<RabbitMqOptions>>().Value.Topology == Topology.Declare;
            errorQueue = new ErrorQueue(onRabbitMq, declares, onRefused, context.GetRequiredService<ILogger<FaultSorter>>());
        }

        endpoint.UseFilter(new DeliveryLimitFilter(deliveryLimit));
        endpoint.ConfigureError(SortAndMove);
        // Instead of a queue "_skipped" that nobody looks at. (ThrowOnSkippedMessages would have RabbitMQ deliver
        // them again and again.)
        endpoint.ConfigureDeadLetter(skipped => skipped.UseFilter(new SkippedMessageFilter(Pipe.New<ExceptionReceiveContext>(SortAndMove))));

        void SortAndMove(IPipeConfigurator<ExceptionReceiveContext> errors)
        {
            errors.UseFilter(sorter);
            // MassTransit's own, which it leaves out where the pipe is configured. Without its GenerateFaultFilter: that
            // fails on what strangers write in a message, which would then come back for ever.
            errors.UseFilter(errorQueue ?? new ErrorTransportFilter());
        }
    }

    /// <summary>Declares the queue in which an endpoint's messages wait for a person, when the endpoint connects.</summary>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="queue">Its queue.</param>
    /// <param name="queueType">The type of the queue that is declared.</param>
    public static void DeclareParking(this IRabbitMqReceiveEndpointConfigurator endpoint, string queue, QueueType queueType) =>
        endpoint.DeclareQueue(queue + FaultEndpoint.ParkingSuffix, QueueArguments.Holding(queueType));

    /// <summary>Makes a fault of a message that no consumer takes.</summary>
    private sealed class SkippedMessageFilter(IPipe<ExceptionReceiveContext> errors) : IFilter<ReceiveContext>
    {
        public Task Send(ReceiveContext context, IPipe<ReceiveContext> next) =>
            errors.Send(new RescueExceptionReceiveContext(
                context, new MessageNotConsumedException(context.InputAddress, "No consumer here takes messages of this type.")));

        public void Probe(ProbeContext context) => errors.Probe(context.CreateFilterScope("faultSkipped"));
    }
}

/// <summary>Writes the kind of a failure on the message that is set aside for it, and says so in the log and to operators.</summary>
internal sealed partial class FaultSorter(FaultEndpoint endpoint, OperatorEvents operators, TimeProvider clock, ILogger<FaultSorter> logger) : IFilter<ExceptionReceiveContext>
{
    private static readonly IReadOnlyDictionary<string, object?> NoHeaders = new Dictionary<string, object?>();

    public async Task Send(ExceptionReceiveContext context, IPipe<ExceptionReceiveContext> next)
    {
        var kind = TryReadContentType(context, out var contentType) && !IsNull(context.Body.GetBytes())
            ? FailureKinds.Of(context.Exception)
            : FailureKind.Unreadable;
        context.ExceptionHeaders.Set(FaultHeaders.FailureKind, kind.ToString());
        if (context.TryGetPayload(out RetryCount? retries))
        {
            context.ExceptionHeaders.Set(FaultHeaders.RetryCount, retries.Value);
        }

        // The in-memory transport drops the headers of a message that it moves.
        if (context.TransportHeaders.TryGetHeader(FaultHeaders.RedeliverCount, out var redeliverCount))
        {
            context.ExceptionHeaders.Set(FaultHeaders.RedeliverCount, redeliverCount);
        }

        // A message that came without a trace, or lost it in the in-memory transport, got one when it was consumed.
        if (Activity.Current is { IdFormat: ActivityIdFormat.W3C, Id: { } activityId })
        {
            context.ExceptionHeaders.Set(DiagnosticHeaders.ActivityId, activityId);
        }

        try
        {
            if (!context.IsFaulted)
            {
                await context.NotifyFaulted(context.Exception);
            }

            await next.Send(context);
        }
        catch (Exception exception)
        {
            Log.NotSetAside(logger, context.GetMessageId(), exception);
            throw;
        }

        if (RejectedDeliveries.IsRejected(context))
        {
            // Those who are to know were told before.
            return;
        }

        var isForeseen = context.Exception is IForeseenFailure;
        if (kind == FailureKind.Unreadable || isForeseen)
        {
            Log.SetAside(logger, context.GetMessageId(), kind);
        }
        else
        {
            // Nobody foresaw this one: whoever is to mend it needs the stack.
            Log.SetAsideUnforeseen(logger, context.GetMessageId(), kind, context.Exception);
        }

        await operators.PublishAsync(
            new OperatorEvent(
                $"{endpoint}.failed.{kind.Word()}",
                clock.GetUtcNow(),
                endpoint.SubjectOf(new FaultMessage(context.Body.GetBytes(), contentType, NoHeaders)),
                context.GetMessageId()?.ToString(),
                Describe(context.Exception)),
            CancellationToken.None);
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("faultSorter");

    /// <summary>What operators may read of a failure: only of our own exceptions it is known that their message is one line and holds no address.</summary>
    public static string Describe(Exception exception) => exception is IForeseenFailure ? exception.Message : exception.GetType().FullName!;

    /// <remarks>MassTransit takes a text that is no content type for none, but fails on one with a parameter twice.</remarks>
    private static bool TryReadContentType(ReceiveContext context, out string? contentType)
    {
        try
        {
            contentType = context.ContentType?.MediaType;
            return true;
        }
        catch (ArgumentException)
        {
            contentType = null;
            return false;
        }
    }

    /// <remarks>MassTransit takes it for a message where there is no envelope, and fails on it by an exception that says nothing of that.</remarks>
    private static bool IsNull(ReadOnlySpan<byte> body) => body.Trim(" \t\r\n"u8).SequenceEqual("null"u8);

    private static partial class Log
    {
        [LoggerMessage(EventId = 210, Level = LogLevel.Warning, Message = "Message {MessageId} set aside in the error queue ({Kind})")]
        public static partial void SetAside(ILogger logger, Guid? messageId, FailureKind kind);

        [LoggerMessage(EventId = 211, Level = LogLevel.Error, Message = "Message {MessageId} set aside in the error queue ({Kind})")]
        public static partial void SetAsideUnforeseen(ILogger logger, Guid? messageId, FailureKind kind, Exception exception);

        [LoggerMessage(EventId = 212, Level = LogLevel.Error, Message = "Message {MessageId} could not be set aside in the error queue; it is delivered again")]
        public static partial void NotSetAside(ILogger logger, Guid? messageId, Exception exception);
    }
}
