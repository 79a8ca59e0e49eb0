using Orders.Testing.Network;

namespace Orders.Testing.Brokers;

/// <summary>
/// A node of RabbitMQ that shares the machine's network with whatever other nodes run there: other ports, and another port
/// mapper (epmd), all of it on loopback (https://www.rabbitmq.com/docs/configure#supported-environment-variables).
/// </summary>
internal sealed class LoopbackNode
{
    public const string Host = "127.0.0.1";

    private const string OnLoopback = "-kernel inet_dist_use_interface {127,0,0,1}";

    /// <param name="portMapperPort">The port mapper of the node's cluster; by default it has one of its own.</param>
    public LoopbackNode(int? portMapperPort = null)
    {
        var ports = Ports.Free(5);
        (Port, var distributionPort, ManagementPort, MetricsPort) = (ports[0], ports[1], ports[2], ports[3]);
        PortMapperPort = portMapperPort ?? ports[4];
        Name = $"rabbit-{Port}@localhost";
        Environment = new Dictionary<string, string>
        {
            ["RABBITMQ_NODENAME"] = Name,
            ["RABBITMQ_NODE_IP_ADDRESS"] = Host,
            ["RABBITMQ_NODE_PORT"] = $"{Port}",
            ["RABBITMQ_DIST_PORT"] = $"{distributionPort}",
            ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] =
                $"{OnLoopback} -rabbitmq_management tcp_config {Listener(ManagementPort)} -rabbitmq_prometheus tcp_config {Listener(MetricsPort)} {RabbitMqBroker.ErlangArguments}",
            ["RABBITMQ_CTL_ERL_ARGS"] = OnLoopback,
            ["ERL_EPMD_ADDRESS"] = Host,
            ["ERL_EPMD_PORT"] = $"{PortMapperPort}",
        };
    }

    /// <summary>The node's name in its cluster.</summary>
    public string Name { get; }

    /// <summary>Where it takes AMQP connections.</summary>
    public int Port { get; }

    /// <summary>Where its management plug-in answers, if it has that.</summary>
    public int ManagementPort { get; }

    /// <summary>Where its plug-in for Prometheus answers, if it has that.</summary>
    public int MetricsPort { get; }

    public int PortMapperPort { get; }

    /// <summary>Environment variables of the node and of <c>rabbitmqctl</c>.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; }

    private static string Listener(int port) => $$"""[{ip,"{{Host}}"},{port,{{port}}}]""";
}
