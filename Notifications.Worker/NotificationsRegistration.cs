using Contracts;
using MassTransit;
using Microsoft.Extensions.Options;
using Notifications.Worker.Alerts;
using Notifications.Worker.OrderConfirmation;
using Notifications.Worker.OrderShipping;
using Notifications.Worker.Pipeline;
using Orders.Email;
using Orders.Email.Outages;
using Orders.FaultQueues;
using Orders.FaultQueues.Backlog;
using Orders.FaultQueues.Policy;
using Orders.Ledger;
using Orders.Messaging;
using Orders.Messaging.Redelivery;
using Orders.ServiceDefaults.Configuration;

namespace Notifications.Worker;

/// <summary>The worker as a whole, for its own program and for the one that hosts it in its process.</summary>
public static class NotificationsRegistration
{
    /// <summary>Every email about an order. Each has a folder with its policy, and a line here.</summary>
    internal static readonly IReadOnlyList<Notification> All = [new OrderConfirmationNotification(), new OrderShippedNotification()];

    /// <summary>Adds the bus with the consumers of this process's <see cref="WorkerRole"/>, and all that they need.</summary>
    /// <param name="builder">The program.</param>
    /// <param name="configure">Adds the consumers of a program that hosts the worker.</param>
    public static void AddNotifications(this IHostApplicationBuilder builder, Action<IBusRegistrationConfigurator>? configure = null) =>
        builder.AddNotifications(All, configure);

    /// <summary>The same with given notifications.</summary>
    /// <param name="builder">The program.</param>
    /// <param name="notifications">Those that there are.</param>
    /// <param name="configure">Adds the consumers of a program that hosts the worker.</param>
    /// <exception cref="InvalidOperationException">Something is wrong with them; the message says what is to be changed.</exception>
    internal static void AddNotifications(
        this IHostApplicationBuilder builder, IReadOnlyList<Notification> notifications, Action<IBusRegistrationConfigurator>? configure)
    {
        if (NotificationCheck.FindMistakes(notifications, typeof(Notification).Assembly).ToArray() is { Length: > 0 } mistakes)
        {
            throw new InvalidOperationException(string.Join(' ', mistakes));
        }

        builder.AddFormerSection(DelayedRedeliveryOptions.FormerSection, DelayedRedeliveryOptions.Section);
        builder.AddFormerSection(ReplayOptions.FormerSection, ReplayOptions.Section);
        var role = builder.Configuration.ReadOptions<WorkerOptions>(WorkerOptions.Section).Role;
        if (role != WorkerRole.All && builder.Configuration.GetTransport() == Transport.InMemory)
        {
            throw new OptionsValidationException(
                WorkerOptions.Section,
                typeof(WorkerOptions),
                ["Worker__Role must be All when Messaging__Transport is InMemory: no other process can do the rest of the work."]);
        }

        builder.AddValidatedOptions<WorkerOptions>(WorkerOptions.Section);
        if (role == WorkerRole.Console)
        {
            builder.AddConsole();
            return;
        }

        var sends = role is WorkerRole.All or WorkerRole.Confirmations;
        var faults = role is WorkerRole.All or WorkerRole.Faults;

        builder.Services.AddPublishedMessages(OrderMessages.All);
        builder.Services.AddSingleton<ITopologyPart, OrderStatusTopology>();
        builder.AddLedger();
        builder.AddEmail();
        // Named after the confirmations, but about the mail server: there is one for all notifications.
        builder.AddMailOutages("order-confirmation", services => notifications.Max(notification => notification.GetOptions(services).PrefetchedForEach));
        builder.AddPipelineFaults(notifications);
        if (builder.Configuration.GetLedgerStore() != LedgerStore.None)
        {
            // What the API could not read of what became of orders.
            builder.AddFaultEndpoint(OrderFaults.At(QueueNames.OrderStatus));
            builder.Services.AddSingleton(new WatchedQueues([QueueNames.OrderStatus], []));
        }

        builder.AddForeignFaultEndpoints();
        if (sends)
        {
            builder.AddPipeline(notifications);
        }

        if (faults)
        {
            builder.AddFaults();
            builder.AddAlerts();
        }

        builder.AddBus(
            bus =>
            {
                if (sends)
                {
                    bus.AddPipeline(notifications);
                }

                if (faults)
                {
                    bus.AddAlerts(builder.Configuration);
                }

                configure?.Invoke(bus);
            },
            FaultsRegistration.KeepFaults);
    }
}
