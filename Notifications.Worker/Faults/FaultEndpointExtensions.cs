using MassTransit;
using MassTransit.Middleware;
using MassTransit.Middleware.Rescue;

namespace Notifications.Worker.Faults;

/// <summary>Configures how an endpoint sets aside what it cannot handle.</summary>
public static class FaultEndpointExtensions
{
    /// <summary>
    /// Sends every message that fails for the last time to the endpoint's error queue, sorted by
    /// <see cref="FailureKind"/>; messages that no consumer takes, and those that came back
    /// <paramref name="deliveryLimit"/> times, too.
    /// </summary>
    public static void SetFaultsAside(this IReceiveEndpointConfigurator endpoint, int deliveryLimit)
    {
        endpoint.UseFilter(new DeliveryLimitFilter(deliveryLimit));
        endpoint.ConfigureError(SortAndMove);
        // Instead of a queue "_skipped" that nobody looks at. (ThrowOnSkippedMessages would have RabbitMQ deliver
        // them again and again.)
        endpoint.ConfigureDeadLetter(skipped => skipped.UseFilter(new SkippedMessageFilter(Pipe.New<ExceptionReceiveContext>(SortAndMove))));
    }

    private static void SortAndMove(IPipeConfigurator<ExceptionReceiveContext> errors)
    {
        errors.UseFilter(new FailureKindFilter());
        // MassTransit's own two, which it leaves out where the pipe is configured.
        errors.UseFilter(new GenerateFaultFilter());
        errors.UseFilter(new ErrorTransportFilter());
    }

    /// <summary>Writes the kind of the failure on the message.</summary>
    private sealed class FailureKindFilter : IFilter<ExceptionReceiveContext>
    {
        public Task Send(ExceptionReceiveContext context, IPipe<ExceptionReceiveContext> next)
        {
            context.ExceptionHeaders.Set(FaultHeaders.FailureKind, FailureKinds.Of(context.Exception).ToString());
            return next.Send(context);
        }

        public void Probe(ProbeContext context) => context.CreateFilterScope("failureKind");
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
