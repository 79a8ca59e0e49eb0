using MassTransit;
using RabbitMQ.Client.Exceptions;

namespace Orders.Messaging;

/// <summary>Has the bus go on trying while the broker refuses its login.</summary>
/// <remarks>
/// MassTransit gives up for ever (https://github.com/MassTransit/MassTransit/issues/6172): a bus that starts as a whole, later
/// each endpoint by itself. But the broker may only be unable to reach its directory of users, or somebody is changing the
/// password.
/// </remarks>
internal sealed partial class RefusedLogins(IHostEnvironment environment, IHostApplicationLifetime lifetime, ILogger<RefusedLogins> logger)
    : IReceiveEndpointObserver, IBusObserver
{
    /// <summary>Logs in once, before MassTransit does, so that a refusal reaches it as a failure after which it tries again.</summary>
    /// <exception cref="ConnectionException">The broker refused the login.</exception>
    public async Task TryLoginAsync(RabbitMqOptions options)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping);
        try
        {
            timeout.CancelAfter(RabbitMqOptions.ConnectTimeout * options.ReadNodes().Count);
            await using var connection = await options.ConnectAsync($"{environment.ApplicationName} login", timeout.Token);
        }
        catch (Exception exception) when (exception.GetBaseException() is AuthenticationFailureException refused)
        {
            throw Transient(refused);
        }
        catch (Exception)
        {
            // MassTransit connects next, and tells of it.
        }
    }

    /// <summary>Does the same where the broker refuses MassTransit's own login after it accepted ours.</summary>
    /// <exception cref="ConnectionException">The broker refused the login. MassTransit takes this in place of its own.</exception>
    public Task Faulted(ReceiveEndpointFaulted faulted) => faulted.Exception?.GetBaseException() is AuthenticationFailureException refused
        ? Task.FromException(Transient(refused))
        : Task.CompletedTask;

    /// <summary>Ends the program where the bus cannot start: MassTransit cannot start it again, but a new process can.</summary>
    public Task StartFaulted(IBus bus, Exception exception)
    {
        if (!lifetime.ApplicationStopping.IsCancellationRequested)
        {
            Log.CouldNotStart(logger, exception);
            Environment.ExitCode = 1;
            // Not while the host still starts its services.
            lifetime.ApplicationStarted.Register(lifetime.StopApplication);
        }

        return Task.CompletedTask;
    }

    public Task Ready(ReceiveEndpointReady ready) => Task.CompletedTask;

    public Task Stopping(ReceiveEndpointStopping stopping) => Task.CompletedTask;

    public Task Completed(ReceiveEndpointCompleted completed) => Task.CompletedTask;

    public void PostCreate(IBus bus)
    {
    }

    public void CreateFaulted(Exception exception)
    {
    }

    public Task PreStart(IBus bus) => Task.CompletedTask;

    public Task PostStart(IBus bus, Task<BusReady> busReady) => Task.CompletedTask;

    public Task PreStop(IBus bus) => Task.CompletedTask;

    public Task PostStop(IBus bus) => Task.CompletedTask;

    public Task StopFaulted(IBus bus, Exception exception) => Task.CompletedTask;

    /// <summary>Without the inner exception by which MassTransit would know that a login was refused.</summary>
    private static ConnectionException Transient(AuthenticationFailureException refused) =>
        new($"The broker refused the login: {refused.Message}", isTransient: true);

    private static partial class Log
    {
        [LoggerMessage(EventId = 26, Level = LogLevel.Critical, Message = "The bus could not be started. The program ends.")]
        public static partial void CouldNotStart(ILogger logger, Exception exception);
    }
}
