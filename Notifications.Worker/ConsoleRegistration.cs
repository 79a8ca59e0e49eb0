using Microsoft.Extensions.Options;
using Notifications.Worker.Alerts;
using Orders.FaultQueues;
using Orders.Messaging;

namespace Notifications.Worker;

/// <summary>The worker as a console for the fault queues of other programs: no orders, no emails, no ledger.</summary>
internal static class ConsoleRegistration
{
    /// <summary>Adds it.</summary>
    /// <exception cref="OptionsValidationException">There is nothing to look after, or alerts are to be emailed.</exception>
    public static void AddConsole(this IHostApplicationBuilder builder)
    {
        builder.AddForeignFaultEndpoints(isAlone: true);
        builder.AddFaults();
        builder.AddConsoleAlerts();
        builder.AddBus(bus => bus.AddConsoleAlerts(builder.Configuration));
    }
}
