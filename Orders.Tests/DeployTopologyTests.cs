using Notifications.Worker;
using Orders.Tests.EndToEnd;

namespace Orders.Tests;

/// <summary>The command <c>deploy-topology</c> on a real broker.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnBrokers))]
internal sealed class DeployTopologyTests(TransportUnderTest transport) : OrderSystemTests
{
    [Test]
    public async Task What_the_programs_declare_by_themselves_and_what_is_deployed_is_the_same()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        // The error queue is declared with the first fault.
        TheSystem.Mail.On(SmtpStep.Recipient, recipient => recipient == OrderSystem.Operator ? null : "550 5.1.1 No such user");
        await TheSystem.PlaceAsync("1");
        await TheSystem.WaitForParked(1);
        var declared = await ListAsync();
        await TheSystem.DeployUsersAsync();

        await TheSystem.DeployTopologyAsync();
        await TheSystem.DeployTopologyAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await TheSystem.ReadAsync(OrderConfirmationEndpoint.ParkingQueue), Has.Count.EqualTo(1));
            // Queues that only a fault of an alert would have the programs declare, and their bindings, come in addition.
            Assert.That(declared, Is.SubsetOf(await ListAsync()));
        }
    }

    [Test]
    public async Task All_of_it_is_deployed_whatever_the_role_and_with_settings_under_former_names()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.DeployUsersAsync();

        await TheSystem.DeployTopologyAsync(("Worker__Role", "Confirmations"), ("Redeliver__MaxAttempts", "7"));

        Assert.That(
            (await TheSystem.RunCtlAsync("list_queues", "--no-table-headers", "name")).Split('\n', StringSplitOptions.TrimEntries),
            Is.SupersetOf(["order-shipped", "order-shipped_parked", "order-confirmation_audit", "order-confirmation_error_turn", "order-confirmation-alert", "order-status_parked"]));
    }

    [Test]
    public async Task Who_may_not_deploy_is_told_so_in_one_line()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.DeployUsersAsync();

        var ended = await TheSystem.TryDeployTopologyAsync(BrokerUsers.Redeliver);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(ended.ExitCode, Is.EqualTo(1));
            Assert.That(ended.Errors, Has.Count.EqualTo(1));
            Assert.That(ended.Errors[0], Does.StartWith("The topology could not be deployed on ").And.Contain("ACCESS_REFUSED"));
        }
    }

    private async Task<IReadOnlyList<string>> ListAsync() =>
    [
        .. (await TheSystem.RunCtlAsync("list_queues", "--no-table-headers", "name", "type", "arguments")).Split('\n'),
        .. (await TheSystem.RunCtlAsync("list_exchanges", "--no-table-headers", "name", "type", "arguments")).Split('\n'),
        .. (await TheSystem.RunCtlAsync("list_bindings", "--no-table-headers")).Split('\n'),
    ];
}

/// <summary>The same command where there is no broker.</summary>
internal sealed class DeployTopologyWithoutBrokerTests
{
    [Test]
    public async Task A_broker_that_is_not_there_is_named_in_one_line()
    {
        var ended = await RealProgram.Worker.RunAsync(
            [DeployTopologyCommand.Word],
            ("Messaging__Transport", "RabbitMq"),
            ("RabbitMq__Host", "nowhere.invalid"),
            ("RabbitMq__Username", "anybody"),
            ("RabbitMq__Password", "anything"));

        Assert.That((ended.ExitCode, ended.Errors.Count), Is.EqualTo((1, 1)), string.Join('\n', ended.Errors));
        Assert.That(ended.Errors[0], Does.StartWith("The topology could not be deployed on nowhere.invalid: "));
    }
}
