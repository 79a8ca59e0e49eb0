using MassTransit;
using MassTransit.Events;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Orders.Messaging;
using Orders.ServiceDefaults.Hosting;
using Orders.Tests.EndToEnd;
using RabbitMQ.Client.Exceptions;

namespace Orders.Tests.Messaging;

/// <summary>A broker that refuses a login for a while, as when its directory of users is away, is used again after that.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnQuorumQueues))]
internal sealed class RefusedLoginsTests(TransportUnderTest transport) : OrderSystemTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly string _user = $"renewed-{Guid.NewGuid():N}";
    private bool _isThere;

    private (string, string?)[] Login => [("RabbitMq__Username", _user), ("RabbitMq__Password", "right")];

    [SetUp]
    public async Task CreateUserAsync()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.RunBrokerCtlAsync("add_user", _user, "right");
        _isThere = true;
        await TheSystem.RunCtlAsync("set_permissions", _user, ".*", ".*", ".*");
    }

    [TearDown]
    public async Task DeleteUserAsync()
    {
        if (_isThere)
        {
            _isThere = false;
            await TheSystem.RunBrokerCtlAsync("delete_user", _user);
        }
    }

    [Test]
    public async Task Programs_that_run_consume_again()
    {
        await TheSystem.StartWorkerAsync(null, Login);
        await TheSystem.StartApiAsync(Login);

        await SetPasswordAsync("other");
        await TheSystem.RunCtlAsync("close_all_connections", "the login changes");
        await WaitForRefusalsAsync(6);
        await SetPasswordAsync("right");

        await AssertThatAnOrderIsConfirmedAsync();
    }

    [Test]
    public async Task Programs_that_start_meanwhile_consume_after_it()
    {
        await SetPasswordAsync("other");
        var starting = Task.WhenAll(TheSystem.StartWorkerAsync(null, Login), TheSystem.StartApiAsync(Login));
        await WaitForRefusalsAsync(6);
        await SetPasswordAsync("right");
        await starting;

        await AssertThatAnOrderIsConfirmedAsync();
    }

    /// <summary>Without the login that comes before MassTransit's.</summary>
    [Test]
    public async Task An_endpoint_whose_own_login_was_refused_connects_again()
    {
        using var host = new HostBuilder().Build();
        var refused = RefusedLoginsAtMassTransitTests.Make(host);
        var options = TheSystem.BrokerOptions;
        var handled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var faults = new SemaphoreSlim(0);
        var bus = Bus.Factory.CreateUsingRabbitMq(rabbitMq =>
        {
            rabbitMq.Host(options.Host, (ushort)options.Port!.Value, options.VirtualHost, host =>
            {
                host.Username(_user);
                host.Password("right");
            });
            rabbitMq.ReceiveEndpoint("refused", endpoint =>
            {
                endpoint.ConnectReceiveEndpointObserver(refused);
                endpoint.ConnectReceiveEndpointObserver(new Faults(faults));
                endpoint.Handler<Ping>(_ =>
                {
                    handled.TrySetResult();
                    return Task.CompletedTask;
                });
            });
        });
        using var patience = new CancellationTokenSource(Patience);
        await bus.StartAsync(patience.Token);
        try
        {
            await SetPasswordAsync("other");
            await TheSystem.RunCtlAsync("close_all_connections", "the login changes");
            await faults.WaitAsync(patience.Token);
            await faults.WaitAsync(patience.Token);
            await SetPasswordAsync("right");

            await using var connection = await TheSystem.ConnectAsync();
            await Eventually.GetAsync(
                "a consumer again",
                async cancellationToken =>
                {
                    await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
                    return await channel.ConsumerCountAsync("refused", cancellationToken);
                },
                consumers => consumers == 1,
                Patience);
            await bus.Publish(new Ping(), patience.Token);
            await handled.Task.WaitAsync(patience.Token);
        }
        finally
        {
            await bus.StopAsync(TimeSpan.FromSeconds(10));
        }
    }

    private Task<string> SetPasswordAsync(string password) => TheSystem.RunBrokerCtlAsync("change_password", _user, password);

    /// <summary>Waits until MassTransit has told of so many refused logins.</summary>
    private Task<int> WaitForRefusalsAsync(int count) => Eventually.GetAsync(
        $"{count} refused logins",
        _ => Task.FromResult(TheSystem.Log.All.Count(entry =>
            entry.Category.StartsWith("MassTransit", StringComparison.Ordinal)
            && entry.Message.StartsWith("Retrying", StringComparison.Ordinal)
            && entry.Message.Contains("ACCESS_REFUSED", StringComparison.Ordinal))),
        refused => refused >= count,
        Patience);

    private async Task AssertThatAnOrderIsConfirmedAsync()
    {
        await TheSystem.WaitForReadinessAsync(true, Patience);
        await TheSystem.PlaceAsync("after");
        await TheSystem.Mail.WaitFor("the email", _ => TheSystem.ConfirmedOrders.Contains("after"));
    }

    private sealed record Ping;

    /// <summary>Counts how often an endpoint fails to connect.</summary>
    private sealed class Faults(SemaphoreSlim faults) : IReceiveEndpointObserver
    {
        public Task Faulted(ReceiveEndpointFaulted faulted)
        {
            faults.Release();
            return Task.CompletedTask;
        }

        public Task Ready(ReceiveEndpointReady ready) => Task.CompletedTask;

        public Task Stopping(ReceiveEndpointStopping stopping) => Task.CompletedTask;

        public Task Completed(ReceiveEndpointCompleted completed) => Task.CompletedTask;
    }
}

/// <summary>MassTransit's own login, where it is refused.</summary>
internal sealed class RefusedLoginsAtMassTransitTests
{
    private static readonly Exception Refused = new RabbitMqConnectionException(
        "Broker unreachable", new BrokerUnreachableException(new AuthenticationFailureException("ACCESS_REFUSED")));

    [Test]
    public async Task An_endpoint_is_told_of_a_failure_that_passes()
    {
        using var host = new HostBuilder().Build();

        var told = (await Assert.ThrowsAsync<ConnectionException>(() => Make(host).Faulted(Event(Refused))))!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(told.Message, Does.Contain("refused the login: ACCESS_REFUSED"));
            Assert.That(told.IsTransient);
            Assert.That(told.GetBaseException(), Is.SameAs(told), "MassTransit looks for the innermost exception.");
        }
    }

    [Test]
    public void Any_other_failure_is_left_as_it_is()
    {
        using var host = new HostBuilder().Build();

        Assert.That(Make(host).Faulted(Event(new RabbitMqConnectionException("Broker unreachable", new IOException()))).IsCompletedSuccessfully);
    }

    [TestCase(false, 1)]
    [TestCase(true, 0)]
    public async Task A_bus_that_could_not_start_ends_its_program_with_1_unless_it_ends_already(bool ends, int exitCode)
    {
        using var host = new HostBuilder().Build();
        await host.StartAsync();
        var lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();
        if (ends)
        {
            lifetime.StopApplication();
        }

        try
        {
            var code = await ProgramHost.RunAsync(() => Make(host).StartFaulted(null!, Refused));

            using (Assert.EnterMultipleScope())
            {
                Assert.That(code, Is.EqualTo(exitCode));
                Assert.That(lifetime.ApplicationStopping.IsCancellationRequested);
            }
        }
        finally
        {
            Environment.ExitCode = 0;
        }
    }

    public static RefusedLogins Make(IHost host) => ActivatorUtilities.CreateInstance<RefusedLogins>(
        host.Services, NullLogger<RefusedLogins>.Instance);

    private static ReceiveEndpointFaultedEvent Event(Exception exception) =>
        new(new ReceiveTransportFaultedEvent(new Uri("rabbitmq://localhost/order-confirmation"), exception), null!);
}
