using MassTransit;
using MassTransit.Middleware;

namespace Notifications.Worker.Faults;

/// <summary>Writes the kind of the failure on the message before it goes to the error queue.</summary>
internal sealed class FailureKindFilter : IFilter<ExceptionReceiveContext>
{
    public Task Send(ExceptionReceiveContext context, IPipe<ExceptionReceiveContext> next)
    {
        context.ExceptionHeaders.Set(FaultHeaders.FailureKind, FailureKinds.Of(context.Exception).ToString());
        return next.Send(context);
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("failureKind");
}

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
        endpoint.ThrowOnSkippedMessages();
        endpoint.UseFilter(new DeliveryLimitFilter(deliveryLimit));
        endpoint.ConfigureError(errors =>
        {
            errors.UseFilter(new FailureKindFilter());
            // MassTransit's own two, which configuring anything here takes out.
            errors.UseFilter(new GenerateFaultFilter());
            errors.UseFilter(new ErrorTransportFilter());
        });
    }
}
