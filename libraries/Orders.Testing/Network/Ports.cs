using System.Net;
using System.Net.Sockets;

namespace Orders.Testing.Network;

/// <summary>Ports for servers that must be told theirs before they start.</summary>
/// <remarks>
/// They lie below those that a system gives to connections (from 32,768 on Linux, from 49,152 elsewhere), or one of the
/// many connections of tests that run side by side would take a port before its server does.
/// </remarks>
public static class Ports
{
    private const int First = 20_000;
    private const int End = 32_000;

    private static int _last = Random.Shared.Next(First, End);

    /// <summary>Ports of the loopback interface that nobody listens on now, all different, and none given out before in this process until all were.</summary>
    public static int[] Free(int count) => [.. Candidates().Where(IsFree).Take(count)];

    private static IEnumerable<int> Candidates()
    {
        for (var tried = 0; tried < End - First; tried++)
        {
            yield return First + (int)((uint)Interlocked.Increment(ref _last) % (End - First));
        }
    }

    private static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port) { ExclusiveAddressUse = true };
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
