using MassTransit;
using Microsoft.Extensions.Options;
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

    /// <summary>How long the broker may take for all of it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>Runs the command.</summary>
    /// <param name="args">What follows the word: settings, as everywhere.</param>
    /// <returns>The exit code: 0 when everything is there; 1 after one line on standard error that says why it is not.</returns>
    public static Task<int> RunAsync(string[] args) => ProgramHost.RunAsync(async () =>
    {
        var builder = WebApplication.CreateBuilder(args);
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

    private static string Describe(Exception exception) => exception is OperationCanceledException
        ? $"it took longer than {Patience.TotalSeconds:0} s"
        : exception.GetBaseException().Message.ReplaceLineEndings(" ");

    private static partial class Log
    {
        [LoggerMessage(EventId = 30, Level = LogLevel.Information, Message = "The topology is deployed on {Host}")]
        public static partial void Deployed(ILogger logger, string host);
    }
}
