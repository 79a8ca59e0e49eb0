using MassTransit;
using Microsoft.Extensions.Options;
using Notifications.Worker.Alerts;
using Orders.FaultQueues;
using Orders.FaultQueues.Access;
using Orders.Messaging;
using Orders.ServiceDefaults.Configuration;
using Orders.ServiceDefaults.Hosting;
using RabbitMQ.Client.Exceptions;

namespace Notifications.Worker;

/// <summary>
/// The command that makes every queue, exchange and binding of the API and the worker on the broker, with the user of its
/// configuration, so that the programs' own users need no right to configure. It may be run again at any time: what is
/// there already is left as it is.
/// </summary>
public static partial class DeployTopologyCommand
{
    /// <summary>The word that means it on the command line.</summary>
    public const string Word = "deploy-topology";

    /// <summary>The option that has the command print what each user of the broker needs, and do nothing.</summary>
    public const string PermissionsOption = "--permissions";

    /// <summary>How long the broker may take for all of it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>Runs the command.</summary>
    /// <param name="args">What follows the word: settings, as everywhere, and perhaps <see cref="PermissionsOption"/>.</param>
    /// <returns>The exit code: 0 when everything is there; 1 after one line on standard error that says why it is not.</returns>
    public static Task<int> RunAsync(string[] args) => ProgramHost.RunAsync(async () =>
    {
        var builder = WebApplication.CreateBuilder([.. args.Where(arg => arg != PermissionsOption)]);
        builder.AddDefaults(port: 0);
        if (builder.Configuration.ReadOptions<WorkerOptions>(WorkerOptions.Section).Role != WorkerRole.Console)
        {
            // Whatever the rest of the configuration is for: the topology is that of the whole system.
            builder.Configuration.AddInMemoryCollection([KeyValuePair.Create($"{WorkerOptions.Section}:{nameof(WorkerOptions.Role)}", (string?)nameof(WorkerRole.All))]);
        }

        builder.RequireBroker();
        builder.AddNotifications();
        builder.AddFaultAccess();
        builder.DeployTopology();
        await using var app = builder.Build();
        if (args.Contains(PermissionsOption))
        {
            await PrintPermissionsAsync(app);
            return;
        }

        var broker = app.Services.GetRequiredService<IOptions<RabbitMqOptions>>().Value;
        using var timeout = new CancellationTokenSource(Patience);
        try
        {
            await app.Services.DeployTopologyAsync(timeout.Token);
        }
        catch (Exception exception) when (exception is RabbitMQClientException or MassTransitException or IOException or OperationCanceledException)
        {
            throw new InvalidOperationException($"The topology could not be deployed on {broker.Host}: {Describe(exception)}", exception);
        }

        Log.Deployed(app.Logger, broker.Host!);
    });

    private static async Task PrintPermissionsAsync(WebApplication app)
    {
        // Not validated: who asks what the users need may have none yet.
        var virtualHost = app.Configuration[$"{RabbitMqOptions.Section}:{nameof(RabbitMqOptions.VirtualHost)}"] is { Length: > 0 } name ? name : "/";
        var endpoints = app.Services.GetRequiredService<FaultEndpoints>();
        var role = app.Configuration.ReadOptions<WorkerOptions>(WorkerOptions.Section).Role;
        var hasWebhook = app.Configuration.ReadOptions<AlertOptions>(AlertOptions.Section).Webhook.IsWanted;
        await Console.Out.WriteLineAsync(TopologyPermissions.Write(virtualHost, endpoints, role, hasWebhook));
        await Console.Error.WriteLineAsync(
            $"The least permissions on the virtual host {virtualHost}, for RabbitMq__Topology=Deployed. Make the users, then import this: rabbitmqctl import_definitions FILE");
        if (endpoints.All.Any(endpoint => endpoint.IsForeign))
        {
            await Console.Error.WriteLineAsync(
                @"To replay to a queue that has no exchange of its name takes the right to write to amq\.default as well. It leads to every queue, so it is left out.");
        }
    }

    private static string Describe(Exception exception) => exception is OperationCanceledException
        ? $"it took longer than {Patience.TotalSeconds:0} s"
        : exception.GetBaseException().Message.ReplaceLineEndings(" ");

    private static partial class Log
    {
        [LoggerMessage(EventId = 30, Level = LogLevel.Information, Message = "The topology is deployed on {Host}")]
        public static partial void Deployed(ILogger logger, string host);
    }
}
