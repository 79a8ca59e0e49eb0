using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Notifications.Worker;
using Orders.FaultQueues;
using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Queues;
using Orders.Messaging;
using RabbitMQ.Client;

namespace Orders.Tests.FaultQueues;

/// <summary>The permissions that <c>deploy-topology --permissions</c> prints, on a broker that holds programs to them.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnBrokers))]
internal sealed class ForeignPermissionsTests(TransportUnderTest transport) : ForeignQueuesTests(transport)
{
    private static readonly (string Name, string? Value)[] ConsoleSettings = [("Worker__Role", "Console"), ("Alerts__To", null), ("Faults__Queues__0__Name", "billing")];

    [Test]
    public async Task With_them_a_console_can_do_everything_and_nothing_is_refused()
    {
        await using var webhook = await WebhookReceiver.StartAsync();
        (string, string?)[] settings = [.. ConsoleSettings, ("Alerts__Webhook__Url", webhook.Url)];
        await DeployAsync(settings);

        await StartConsoleAsync([.. settings, .. BrokerUsers.SettingsOf(BrokerUsers.Console)]);
        await PutAsync("billing_error", "one"u8.ToArray());
        var replayed = await ActAsync(Billing.Error, FaultAction.Replay);
        await PutAsync("billing_error", "two"u8.ToArray());
        var parked = await ActAsync(Billing.Error, FaultAction.Park);
        var back = await ActAsync(Billing.Parked, FaultAction.Replay);
        await PutAsync("billing_error", "three"u8.ToArray());
        await ActAsync(Billing.Error, FaultAction.Park);
        var discarded = await ActAsync(Billing.Parked, FaultAction.Discard);
        var audit = await Eventually.GetAsync(
            "the audit trail",
            cancelled => TheSystem.Worker.GetRequiredService<IAuditTrail>().ReadAsync(new AuditQuery(), cancelled),
            entries => entries.Count(entry => entry.Event == AuditEvent.End) == 5,
            TimeSpan.FromSeconds(30));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { replayed, parked, back, discarded }.Select(operation => (operation.State, operation.Done)), Is.All.EqualTo((OperationState.Done, 1)));
            Assert.That(audit.Select(entry => entry.Event), Is.SupersetOf([AuditEvent.Replay, AuditEvent.Park, AuditEvent.Discard]));
            Assert.That(await TheSystem.CountAsync("billing"), Is.EqualTo(2));
            Assert.That(TheSystem.Log.All.Where(entry => entry.Message.Contains("ACCESS_REFUSED", StringComparison.Ordinal)), Is.Empty);
        }
    }

    [Test]
    public async Task Each_one_that_is_left_out_is_missed()
    {
        var console = (await DeployAsync(ConsoleSettings)).Single(permission => permission.User == BrokerUsers.Console);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await FindMissingAsync(console), Is.Empty, "with all of them");
            foreach (var (name, needs) in new[]
            {
                ("billing", "error: replay; parked: replay"),
                ("billing_parked", "error: park"),
                ("billing_error_turn", "error: replay, park"),
                ("billing_parked_turn", "parked: replay, discard"),
                ("faults_audit", "error: replay, park; parked: replay, discard"),
            })
            {
                Assert.That(await FindMissingAsync(console with { Write = Without(name, console.Write) }), Is.EqualTo(Expected("write", name, needs)), $"without writing to {name}");
            }

            foreach (var (name, needs) in new[]
            {
                ("billing_error", "error: look, replay, park"),
                ("billing_parked", "parked: look, replay, discard"),
                ("billing_error_turn", "error: replay, park"),
                ("billing_parked_turn", "parked: replay, discard"),
                ("faults_audit", "error: audit; parked: audit"),
            })
            {
                Assert.That(await FindMissingAsync(console with { Read = Without(name, console.Read) }), Is.EqualTo(Expected("read", name, needs)), $"without reading from {name}");
            }
        }
    }

    [Test]
    public async Task With_them_the_user_of_the_whole_system_looks_after_the_queues_of_other_programs_too()
    {
        (string, string?)[] settings = [("Faults__Queues__0__Name", "billing")];
        var permissions = await DeployAsync(settings);

        await TheSystem.StartWorkerAsync(
            settings: [.. Basic.Users, .. FailingOrders.Settings, ("Worker__Role", "Faults"), .. settings, .. BrokerUsers.SettingsOf(BrokerUsers.Redeliver)]);
        await PutAsync("billing_error", "one"u8.ToArray());
        await ActAsync(Billing.Error, FaultAction.Park);
        var operation = await ActAsync(Billing.Parked, FaultAction.Replay);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((operation.State, operation.Done), Is.EqualTo((OperationState.Done, 1)), operation.Error);
            Assert.That(TheSystem.Log.All.Where(entry => entry.Message.Contains("ACCESS_REFUSED", StringComparison.Ordinal)), Is.Empty);
            Assert.That(permissions.Take(2), Is.EqualTo(BrokerUsers.ReadPermissions().Take(2)), "Who has nothing to do with them gets nothing.");
        }
    }

    /// <summary>Has the permissions printed, gives them to their users, and has one of these deploy.</summary>
    private async Task<BrokerUsers.Permission[]> DeployAsync((string, string?)[] settings)
    {
        await DeclareAsync("billing", "billing_error");
        await DoAsync(async channel =>
        {
            await channel.ExchangeDeclareAsync("billing", ExchangeType.Fanout, durable: true);
            await channel.QueueBindAsync("billing", "billing", "");
        });
        var printed = await TheSystem.RunWorkerAsync([DeployTopologyCommand.Word, DeployTopologyCommand.PermissionsOption], settings);
        Assert.That(printed.ExitCode, Is.Zero, string.Join(' ', printed.Errors));
        var permissions = BrokerUsers.ReadPermissions(printed.Output);
        foreach (var permission in permissions)
        {
            await TheSystem.SetPermissionsAsync(permission);
        }

        await TheSystem.DeployTopologyAsync(settings);
        return permissions;
    }

    /// <summary>What a console finds missing that starts with these permissions.</summary>
    private async Task<IReadOnlyList<string>> FindMissingAsync(BrokerUsers.Permission permission)
    {
        await TheSystem.SetPermissionsAsync(permission);
        var options = TheSystem.BrokerOptions;
        (options.Username, options.Password, options.Topology) = (permission.User, BrokerUsers.PasswordOf(permission.User), Topology.Deployed);
        await using var connection = new RabbitMqConnection(Options.Create(options), new HostingEnvironment { ApplicationName = "tests" });
        var endpoint = new FaultEndpoint("billing") { IsForeign = true };
        using var rights = new RabbitMqFaultRights(new FaultEndpoints([endpoint]), connection, TimeProvider.System, NullLogger<RabbitMqFaultRights>.Instance);
        var missing = new List<string>();
        foreach (var queue in endpoint.Queues)
        {
            missing.AddRange((await rights.FindMissingAsync(queue, CancellationToken.None)).Select(
                right => $"{right.Right} {right.Resource}, {queue.Kind}: {string.Join(", ", right.For)}".ToLowerInvariant()));
        }

        return missing;
    }

    private static IEnumerable<string> Expected(string right, string name, string needs) => needs.Split("; ").Select(need => $"{right} {name}, {need}");

    private static string Without(string name, string pattern) => $"(?!^{Regex.Escape(name)}$)(?:{pattern})";
}

/// <summary>What the same command prints, without a broker.</summary>
internal sealed class TopologyPermissionsTests
{
    [Test]
    public async Task Our_own_users_are_those_of_the_deployment_on_the_virtual_host_of_the_configuration()
    {
        var printed = await PrintAsync(("RabbitMq__VirtualHost", "shop"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(printed.Errors, Has.Count.EqualTo(1));
            Assert.That(printed.Errors[0], Does.StartWith("The least permissions on the virtual host shop, "));
            Assert.That(BrokerUsers.ReadPermissions(printed.Output), Is.EqualTo(BrokerUsers.ReadPermissions()));
            Assert.That(printed.Output, Does.Contain("\"vhost\": \"shop\"").And.Not.Contain("\"vhost\": \"/\"").And.Not.Contain("\\u00"));
        }
    }

    [Test]
    public async Task A_name_is_no_pattern()
    {
        var printed = await PrintAsync(("Worker__Role", "Console"), ("Faults__Queues__0__Name", "billing.v2+(x)"));

        var console = BrokerUsers.ReadPermissions(printed.Output).Single(permission => permission.User == BrokerUsers.Console);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(printed.Errors, Has.Count.EqualTo(2));
            Assert.That(console.Write, Does.Not.Contain("faults-alert"), "It has no webhook.");
            foreach (var (name, isAllowed) in new[] { ("billing.v2+(x)", true), ("billing.v2+(x)_parked", true), ("billing.v2+(x)_error", false), ("billing-v2+(x)", false), ("billing.v22x", false) })
            {
                Assert.That(Regex.IsMatch(name, console.Write), Is.EqualTo(isAllowed), name);
            }
        }
    }

    private static async Task<RealProgram.Ended> PrintAsync(params (string Name, string Value)[] settings)
    {
        var ended = await RealProgram.Worker.RunAsync(
            [DeployTopologyCommand.Word, DeployTopologyCommand.PermissionsOption], [("Messaging__Transport", "RabbitMq"), ("RabbitMq__Host", "nowhere.invalid"), .. settings]);
        Assert.That(ended.ExitCode, Is.Zero, string.Join('\n', ended.Errors));
        return ended;
    }
}
