using MassTransit;
using MassTransit.Middleware;
using MassTransit.Middleware.Rescue;
using Notifications.Worker.Email;

namespace Notifications.Worker.Faults;

/// <summary>Configures how an endpoint sets aside what it cannot handle.</summary>
public static class FaultEndpointExtensions
{
    /// <summary>
    /// Sends every message that fails for the last time to the endpoint's error queue, sorted by
    /// <see cref="FailureKind"/>; messages that no consumer takes, and those that came back
    /// <paramref name="deliveryLimit"/> times, too.
    /// </summary>
    public static void SetFaultsAside(this IReceiveEndpointConfigurator endpoint, IRegistrationContext context, int deliveryLimit)
    {
        var logger = context.GetRequiredService<ILogger<FaultSorter>>();

        endpoint.UseFilter(new DeliveryLimitFilter(deliveryLimit));
        endpoint.ConfigureError(SortAndMove);
        // Instead of a queue "_skipped" that nobody looks at. (ThrowOnSkippedMessages would have RabbitMQ deliver
        // them again and again.)
        endpoint.ConfigureDeadLetter(skipped => skipped.UseFilter(new SkippedMessageFilter(Pipe.New<ExceptionReceiveContext>(SortAndMove))));

        void SortAndMove(IPipeConfigurator<ExceptionReceiveContext> errors)
        {
            errors.UseFilter(new FaultSorter(logger));
            // MassTransit's own two, which it leaves out where the pipe is configured.
            errors.UseFilter(new GenerateFaultFilter());
            errors.UseFilter(new ErrorTransportFilter());
        }
    }

    /// <summary>Makes a fault of a message that no consumer takes.</summary>
    private sealed class SkippedMessageFilter(IPipe<ExceptionReceiveContext> errors) : IFilter<ReceiveContext>
    {
        public Task Send(ReceiveContext context, IPipe<ReceiveContext> next) =>
            errors.Send(new RescueExceptionReceiveContext(
                context, new MessageNotConsumedException(context.InputAddress, "No consumer here takes messages of this type.")));

        public void Probe(ProbeContext context) => errors.Probe(context.CreateFilterScope("faultSkipped"));
    }
}

/// <summary>Writes the kind of a failure on the message that is set aside for it, and says so in the log.</summary>
internal sealed partial class FaultSorter(ILogger<FaultSorter> logger) : IFilter<ExceptionReceiveContext>
{
    public async Task Send(ExceptionReceiveContext context, IPipe<ExceptionReceiveContext> next)
    {
        var kind = FailureKinds.Of(context.Exception);
        context.ExceptionHeaders.Set(FaultHeaders.FailureKind, kind.ToString());
        if (context.TryGetPayload(out RetryCount? retries))
        {
            context.ExceptionHeaders.Set(FaultHeaders.RetryCount, retries.Value);
        }

        try
        {
            await next.Send(context);
        }
        catch (Exception exception)
        {
            Log.NotSetAside(logger, context.GetMessageId(), exception);
            throw;
        }

        if (kind == FailureKind.Unreadable || context.Exception is EmailException or DeliveryLimitException)
        {
            Log.SetAside(logger, context.GetMessageId(), kind);
        }
        else
        {
            // Nobody foresaw this one: whoever is to mend it needs the stack.
            Log.SetAsideUnforeseen(logger, context.GetMessageId(), kind, context.Exception);
        }
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("faultSorter");

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
