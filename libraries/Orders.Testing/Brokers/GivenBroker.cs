namespace Orders.Testing.Brokers;

/// <summary>
/// A broker that runs already, named by <c>ORDERS_TEST_RABBITMQ</c>. Its management API must answer on port 15672, for
/// the virtual hosts that the tests make and delete. It is not ours to kill: tests that need that are skipped.
/// </summary>
/// <param name="address">Such as <c>amqp://user:password@host:5672</c>; the user must have the tag <c>administrator</c>.</param>
public sealed class GivenBroker(Uri address) : RabbitMqBroker
{
    private readonly HashSet<string> _virtualHosts = [];

    public override string Host => address.Host;

    public override int Port => address.IsDefaultPort ? 5672 : address.Port;

    public override string Username => Uri.UnescapeDataString(address.UserInfo.Split(':')[0]);

    public override string Password => Uri.UnescapeDataString(address.UserInfo.Split(':')[1]);

    public override Task KillAsync() => throw new IgnoreException("The broker of ORDERS_TEST_RABBITMQ is not ours to kill.");

    public override Task<string> RunCtlAsync(params IEnumerable<string> arguments) =>
        throw new IgnoreException("There is no rabbitmqctl for the broker of ORDERS_TEST_RABBITMQ.");

    public override async Task<string> CreateVirtualHostAsync()
    {
        var name = await base.CreateVirtualHostAsync();
        lock (_virtualHosts)
        {
            _virtualHosts.Add(name);
        }

        return name;
    }

    public override async Task DeleteVirtualHostAsync(string name)
    {
        await base.DeleteVirtualHostAsync(name);
        lock (_virtualHosts)
        {
            _virtualHosts.Remove(name);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        foreach (var name in _virtualHosts.ToArray())
        {
            await DeleteVirtualHostAsync(name);
        }
    }

    protected internal override int ManagementPort => 15672;

    protected override Task StartServerAsync() => Task.CompletedTask;
}
