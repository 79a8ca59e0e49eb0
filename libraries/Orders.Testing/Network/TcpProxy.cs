using System.Net;
using System.Net.Sockets;

namespace Orders.Testing.Network;

/// <summary>A way over the network that can be cut: passes on to a port of this machine what comes in at its own.</summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private readonly int _target;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Lock _lock = new();
    private readonly HashSet<TcpClient> _clients = [];
    private readonly HashSet<Task> _running = [];
    private readonly Task _accepting;
    private TaskCompletionSource _passable = Passable();

    private TcpProxy(int target)
    {
        _target = target;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens, on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>Starts a way to a port of 127.0.0.1, which need not be listened on yet.</summary>
    public static TcpProxy To(int port) => new(port);

    /// <summary>From now on nothing passes in either direction and nobody is told, as when a cable is pulled.</summary>
    public void Cut()
    {
        lock (_lock)
        {
            if (_passable.Task.IsCompleted)
            {
                _passable = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }

    /// <summary>Lets everything pass again, what was held up included.</summary>
    public void Mend()
    {
        lock (_lock)
        {
            _passable.TrySetResult();
        }
    }

    /// <summary>Closes the connections that there are; new ones are taken.</summary>
    public void CloseConnections()
    {
        lock (_lock)
        {
            foreach (var client in _clients)
            {
                client.Close();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        Mend();
        CloseConnections();
        await _accepting;
        Task[] running;
        lock (_lock)
        {
            running = [.. _running];
        }

        await Task.WhenAll(running);
    }

    private static TaskCompletionSource Passable()
    {
        var passable = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        passable.SetResult();
        return passable;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync();
                lock (_lock)
                {
                    var run = ConnectAsync(client);
                    _running.Add(run);
                    _ = run.ContinueWith(Forget, TaskScheduler.Default);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Disposed of.
        }
    }

    private void Forget(Task run)
    {
        lock (_lock)
        {
            _running.Remove(run);
        }
    }

    private async Task ConnectAsync(TcpClient client)
    {
        // Now, for a client that somebody closes has no socket any more.
        client.NoDelay = true;
        using var server = new TcpClient { NoDelay = true };
        lock (_lock)
        {
            _clients.Add(client);
            _clients.Add(server);
        }

        try
        {
            await PassAsync();
            await server.ConnectAsync(IPAddress.Loopback, _target);
            // The end of one direction ends the other: no protocol of ours goes on with half a connection.
            await await Task.WhenAny(CopyAsync(client, server), CopyAsync(server, client));
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // One of the two is gone.
        }
        finally
        {
            lock (_lock)
            {
                _clients.Remove(client);
                _clients.Remove(server);
            }

            client.Dispose();
        }
    }

    private async Task CopyAsync(TcpClient from, TcpClient to)
    {
        var buffer = new byte[64 * 1024];
        var (source, target) = (from.GetStream(), to.GetStream());
        while (await source.ReadAsync(buffer) is > 0 and var count)
        {
            await PassAsync();
            await target.WriteAsync(buffer.AsMemory(0, count));
        }
    }

    private Task PassAsync()
    {
        lock (_lock)
        {
            return _passable.Task;
        }
    }
}
