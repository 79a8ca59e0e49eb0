using MassTransit;
using Notifications.Worker.Faults.Alerts.Webhooks;
using Orders.ServiceDefaults.Hosting;

namespace Notifications.Worker.Faults.Alerts;

public static class AlertsRegistration
{
    /// <summary>Adds what the consumers that alert people need.</summary>
    public static void AddAlerts(this IHostApplicationBuilder builder)
    {
        builder.AddValidatedOptions<AlertOptions>(AlertOptions.Section);
        builder.Services.AddSingleton<AlertEmail>();
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
