namespace Orders.Testing.Brokers;

/// <summary>Three nodes of the machine's own RabbitMQ that are one broker.</summary>
/// <param name="scripts">RabbitMQ's folder of scripts, as <see cref="ProgramBroker.FindScripts"/> finds it.</param>
public sealed class ProgramCluster(string scripts) : RabbitMqBroker
{
    private readonly List<ProgramBroker> _nodes = [];

    public IReadOnlyList<ProgramBroker> Nodes => _nodes;

    public override string Host => string.Join(',', _nodes.Select(node => $"{node.Host}:{node.Port}"));

    public override int Port => _nodes[0].Port;

    public override string Username => _nodes[0].Username;

    public override string Password => _nodes[0].Password;

    /// <summary>The node by its name, or by the name of something that is on it.</summary>
    public ProgramBroker NodeOf(string name) => _nodes.Single(node => name.Contains(node.Node, StringComparison.Ordinal));

    public override Task KillAsync() => Task.WhenAll(_nodes.Select(node => node.KillAsync()));

    /// <summary>Runs it on the first node that is up.</summary>
    public override async Task<string> RunCtlAsync(params IEnumerable<string> arguments) =>
        await _nodes.First(node => node.IsRunning).RunCtlAsync(arguments);

    public override async ValueTask DisposeAsync()
    {
        // The first one last: its port mapper and its cookie are those of all.
        foreach (var node in Enumerable.Reverse(_nodes))
        {
            await node.DisposeAsync();
        }
    }

    protected override string ManagementHost => _nodes[0].Host;

    protected internal override int ManagementPort => _nodes[0].ManagementPort;

    protected override async Task StartServerAsync()
    {
        for (var i = 0; i < 3; i++)
        {
            var node = new ProgramBroker(scripts, _nodes.FirstOrDefault());
            _nodes.Add(node);
            await node.StartAsync();
        }
    }
}
