using Notifications.Worker.Email;
using Notifications.Worker.Faults;
using Notifications.Worker.Messaging;
using Notifications.Worker.OrderConfirmation;

namespace Notifications.Worker.Hosting;

/// <summary>The worker as a whole, for its own program and for the one that hosts it in its process.</summary>
public static class NotificationsRegistration
{
    /// <summary>Adds the bus with the consumers of this process's <see cref="WorkerRole"/>, and all that they need.</summary>
    public static void AddNotifications(this IHostApplicationBuilder builder)
    {
        var role = builder.Configuration.GetSection(WorkerOptions.Section).Get<WorkerOptions>()?.Role ?? WorkerRole.All;
        var confirmations = role is WorkerRole.All or WorkerRole.Confirmations;
        var faults = role is WorkerRole.All or WorkerRole.Faults;

        builder.AddValidatedOptions<WorkerOptions>(WorkerOptions.Section);
        builder.AddEmail();
        if (confirmations)
        {
            builder.AddOrderConfirmation();
        }

        if (faults)
        {
            builder.AddFaults();
        }

        builder.AddBus(
            bus =>
            {
                if (confirmations)
                {
                    bus.AddOrderConfirmation();
                }

                if (faults)
                {
                    bus.AddParkedAlerts(builder.Configuration);
                }
            },
            FaultsRegistration.KeepFaults);
    }
}
