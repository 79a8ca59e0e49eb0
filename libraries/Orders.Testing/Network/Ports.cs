using System.Net;
using System.Net.Sockets;

namespace Orders.Testing.Network;

/// <summary>Ports for servers that must be told theirs before they start.</summary>
public static class Ports
{
    /// <summary>Ports of the loopback interface that nobody listens on now, all different.</summary>
    public static int[] Free(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        try
        {
            foreach (var listener in listeners)
            {
                listener.Start();
            }

            return [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        }
        finally
        {
            foreach (var listener in listeners)
            {
                listener.Dispose();
            }
        }
    }
}
