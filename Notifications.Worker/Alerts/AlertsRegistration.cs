using MassTransit;
using Microsoft.Extensions.Options;
using Notifications.Worker.Alerts.Webhooks;
using Orders.FaultQueues;
using Orders.FaultQueues.Backlog;
using Orders.FaultQueues.Policy;
using Orders.Messaging.Redelivery;
using Orders.ServiceDefaults.Configuration;

namespace Notifications.Worker.Alerts;

public static class AlertsRegistration
{
    /// <summary>Adds what the consumers that alert people need.</summary>
    public static void AddAlerts(this IHostApplicationBuilder builder)
    {
        builder.AddValidatedOptions<AlertOptions>(AlertOptions.Section);
        builder.Services.AddSingleton<AlertEmail>();
        var queues = builder.Configuration.ReadOptions<AlertOptions>(AlertOptions.Section).Queues.ToArray();
        builder.Services.AddSingleton(services =>
        {
            var delays = AlertDelays.Of(services.GetRequiredService<IOptions<ReplayOptions>>().Value);
            return new WatchedQueues(
                queues,
                [.. queues.SelectMany(queue => delays.Select(delay => DelayQueues.QueueName(queue, delay)))]);
        });
        foreach (var queue in queues)
        {
            builder.AddFaultEndpoint(OrderFaults.At(queue));
        }

        // One for each queue: when the mail server is down, the emails lag behind.
        builder.Services.AddKeyedSingleton<OutageAlerts>(OutageAlertConsumerDefinition.Queue);
        builder.Services.AddKeyedSingleton<OutageAlerts>(WebhookAlertConsumerDefinition.Queue);
        builder.Services.AddHttpClient<AlertWebhook>(http => http.Timeout = AlertWebhook.Patience)
            // An alert is for the address that was configured, and for no other.
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false });
        // They would write the address, which is a secret. (And, since it goes by the same factory, each export of telemetry.)
        builder.Services.ConfigureHttpClientDefaults(clients => clients.RemoveAllLoggers());
    }

    /// <summary>Adds the consumers that alert people, where there are people to alert.</summary>
    public static void AddAlerts(this IBusRegistrationConfigurator bus, IConfiguration configuration)
    {
        var options = configuration.ReadOptions<AlertOptions>(AlertOptions.Section);
        if (!string.IsNullOrEmpty(options.To))
        {
            bus.AddConsumer<EmailAlertConsumer, EmailAlertConsumerDefinition>();
            bus.AddConsumer<OutageAlertConsumer, OutageAlertConsumerDefinition>();
        }

        if (options.Webhook.IsWanted)
        {
            bus.AddConsumer<WebhookAlertConsumer, WebhookAlertConsumerDefinition>();
        }
    }
}
