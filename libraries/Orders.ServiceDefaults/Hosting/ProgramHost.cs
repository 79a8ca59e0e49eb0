using System.Net.Sockets;
using Microsoft.Extensions.Options;
using Orders.ServiceDefaults.Configuration;
using Orders.ServiceDefaults.Documentation;
using Orders.ServiceDefaults.Health;
using Orders.ServiceDefaults.Protection;
using Orders.ServiceDefaults.Telemetry;

namespace Orders.ServiceDefaults.Hosting;

/// <summary>What both programs share in how they start, listen, log and end.</summary>
public static partial class ProgramHost
{
    /// <summary>
    /// Builds and runs a program until it is told to stop, or runs its <see cref="HealthCheckCommand"/>. What keeps it
    /// from starting (bad configuration, a port in use) is one readable line each on standard error. Told to stop while it
    /// starts, it stops when it has started.
    /// </summary>
    /// <param name="args">The command line.</param>
    /// <param name="port">The port to listen on, on loopback, unless the configuration says otherwise.</param>
    /// <param name="compose">Adds the program's services.</param>
    /// <param name="map">Maps the program's endpoints.</param>
    /// <param name="commands">What the program does instead where its command line begins with one of these words; each is given the rest of it.</param>
    /// <returns>
    /// The exit code: 0 after an ordinary stop, 1 where the program could not start; otherwise <see cref="Environment.ExitCode"/>,
    /// or that of a command.
    /// </returns>
    public static async Task<int> RunAsync(
        string[] args,
        int port,
        Action<WebApplicationBuilder> compose,
        Action<WebApplication> map,
        params (string Word, Func<string[], Task<int>> RunAsync)[] commands)
    {
        if (HealthCheckCommand.IsMeantBy(args))
        {
            return await HealthCheckCommand.RunAsync(port);
        }

        if (args is [var word, .. var rest] && Array.Find(commands, command => command.Word == word) is { RunAsync: { } runAsync })
        {
            return await runAsync(rest);
        }

        using var stop = new StopSignals();
        return await RunAsync(async () =>
        {
            var builder = WebApplication.CreateBuilder(args);
            builder.Services.AddSingleton<IHostLifetime>(stop);
            builder.AddDefaults(port);
            builder.AddTelemetry();
            builder.AddProtection();
            compose(builder);

            await using var app = builder.Build();
            // Before the host does, which makes its services first: one mistake would then hide the others.
            app.Services.GetService<IStartupValidator>()?.Validate();
            app.UseTelemetry();
            app.UseProtection();
            map(app);
            if (stop.Received.IsCancellationRequested)
            {
                return;
            }

            await app.StartAsync();
            var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Microsoft.Hosting.Lifetime");
            Log.Started(logger);
            await using var stopping = stop.Received.Register(app.Lifetime.StopApplication);
            await app.WaitForShutdownAsync();
        });
    }

    /// <summary>Runs what a person may have to mend the configuration for: says why it failed, in one readable line each on standard error.</summary>
    /// <returns>The exit code: 1 where it failed so, otherwise <see cref="Environment.ExitCode"/>.</returns>
    public static async Task<int> RunAsync(Func<Task> run)
    {
        try
        {
            await run();
            return Environment.ExitCode;
        }
        catch (Exception exception) when (Explain(exception).ToArray() is { Length: > 0 } lines)
        {
            foreach (var line in lines)
            {
                await Console.Error.WriteLineAsync(line);
            }

            return 1;
        }
    }

    /// <summary>What a person can mend, in one line each; nothing where it takes a programmer and a stack trace.</summary>
    private static IEnumerable<string> Explain(Exception exception) => exception switch
    {
        OptionsValidationException invalid => invalid.Failures,
        // Several sections are wrong at once.
        AggregateException several when several.InnerExceptions.All(inner => inner is OptionsValidationException) =>
            several.InnerExceptions.SelectMany(Explain),
        // A port in use or not allowed, an address that is none, a settings file that cannot be read.
        InvalidOperationException or IOException or SocketException or FormatException or InvalidDataException =>
            [exception.Message.ReplaceLineEndings(" ")],
        _ => [],
    };

    /// <summary>The configuration in force where no other source has a say.</summary>
    public static void AddDefaults(this WebApplicationBuilder builder, int port)
    {
        // To ASP.NET addresses count more than ports, even where the addresses are only a default.
        var hasPorts = !string.IsNullOrEmpty(builder.Configuration[WebHostDefaults.HttpPortsKey])
            || !string.IsNullOrEmpty(builder.Configuration[WebHostDefaults.HttpsPortsKey]);

        builder.AddConfigurationDefaults(
            (WebHostDefaults.ServerUrlsKey, hasPorts ? null : $"http://localhost:{port}"),
            ("Documentation:SwaggerUI", builder.Environment.IsDevelopment().ToString()),
            ("Logging:LogLevel:Microsoft.AspNetCore", "Warning"),
            ("Logging:LogLevel:Microsoft.Hosting.Lifetime", "Warning"),
            // Its endpoint tells whoever asks; asked every few seconds, it would fill the log.
            ("Logging:LogLevel:Microsoft.Extensions.Diagnostics.HealthChecks", "None"),
            // RunAsync says in one line what this category would say with a stack trace.
            ("Logging:LogLevel:Microsoft.Extensions.Hosting.Internal.Host", "None"),
            ("Logging:LogLevel:MassTransit", "Warning"),
            // Each retry and each fault, with its stack: our consumers and FaultSorter tell of those in one line.
            ("Logging:LogLevel:MassTransit.ReceiveTransport", "None"),
            ("Logging:Console:FormatterName", "simple"),
            ("Logging:Console:FormatterOptions:SingleLine", "true"),
            ("Logging:Console:FormatterOptions:TimestampFormat", "HH:mm:ss "),
            ("Logging:Console:FormatterOptions:UseUtcTimestamp", "true"));
        builder.AddValidatedOptions<DocumentationOptions>(DocumentationOptions.Section);
        builder.Services.AddSingleton(TimeProvider.System);
    }

    private static partial class Log
    {
        // As ASP.NET's own lifetime says it, which others wait for.
        [LoggerMessage(EventId = 0, Level = LogLevel.Information, Message = "Application started. Press Ctrl+C to shut down.")]
        public static partial void Started(ILogger logger);
    }
}
