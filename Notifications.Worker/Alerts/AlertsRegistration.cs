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
        builder.AddAlertQueues([.. builder.Configuration.ReadOptions<AlertOptions>(AlertOptions.Section).Queues]);
        // One for each queue: when the mail server is down, the emails lag behind.
        builder.Services.AddKeyedSingleton<OutageAlerts>(OutageAlertConsumerDefinition.Queue);
        builder.Services.AddKeyedSingleton<OutageAlerts>(WebhookAlertConsumerDefinition.Queue);
        builder.AddWebhook();
    }

    /// <summary>Adds what the consumer needs that alerts the people of a console.</summary>
    /// <exception cref="OptionsValidationException">They are to be alerted by email.</exception>
    public static void AddConsoleAlerts(this IHostApplicationBuilder builder)
    {
        builder.AddValidatedOptions<AlertOptions>(AlertOptions.Section);
        var options = builder.Configuration.ReadOptions<AlertOptions>(AlertOptions.Section);
        if (!string.IsNullOrEmpty(options.To))
        {
            throw new OptionsValidationException(
                AlertOptions.Section, typeof(AlertOptions), ["Alerts__To must be empty when Worker__Role is Console, which sends no email. Set Alerts__Webhook__Url instead."]);
        }

        builder.AddAlertQueues(options.Webhook.IsWanted ? [ConsoleAlertConsumerDefinition.Queue] : []);
        builder.AddWebhook();
    }

    /// <summary>Adds the consumer that alerts the people of a console, where there is a webhook; they read the log otherwise.</summary>
    public static void AddConsoleAlerts(this IBusRegistrationConfigurator bus, IConfiguration configuration)
    {
        if (configuration.ReadOptions<AlertOptions>(AlertOptions.Section).Webhook.IsWanted)
        {
            bus.AddConsumer<ConsoleAlertConsumer, ConsoleAlertConsumerDefinition>();
        }
    }

    private static void AddAlertQueues(this IHostApplicationBuilder builder, string[] queues)
    {
        builder.Services.AddSingleton(services =>
        {
            var delays = AlertDelays.Of(services.GetRequiredService<IOptions<ReplayOptions>>().Value);
            return new WatchedQueues(
                queues,
                [.. queues.SelectMany(queue => delays.Select(delay => DelayQueues.QueueName(queue, delay)))]);
        });
        foreach (var queue in queues)
        {
            builder.AddFaultEndpoint(FaultsOf(queue));
        }
    }

    /// <summary>The faults of alerts: about an order, or about the message of another program.</summary>
    internal static FaultEndpoint FaultsOf(string queue) =>
        new(queue) { IsReplayed = false, Subject = [JsonPath.Parse("$.orderId"), JsonPath.Parse("$.subject")] };

    private static void AddWebhook(this IHostApplicationBuilder builder)
    {
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
