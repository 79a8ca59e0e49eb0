using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Orders.Testing.Network;

/// <summary>Somebody on 127.0.0.1 who speaks TLS and pretends to be a broker: takes connections, and keeps what is said to him.</summary>
internal sealed class TlsServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly IssuedCertificate _certificate;
    private readonly Lock _lock = new();
    private readonly List<byte[]> _heard = [];
    private readonly HashSet<TcpClient> _clients = [];
    private readonly Task _accepting;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private TlsServer(IssuedCertificate certificate)
    {
        _certificate = certificate;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    public static TlsServer Start(IssuedCertificate certificate) => new(certificate);

    /// <summary>Waits until so many conversations have ended.</summary>
    /// <returns>What was said in each of them, decrypted.</returns>
    public Task<IReadOnlyList<byte[]>> WaitForConversationsAsync(int count) => WaitAsync(heard => heard.Count >= count);

    /// <summary>Waits until a conversation has ended in which anything was said.</summary>
    public Task WaitForWordsAsync() => WaitAsync(heard => heard.Any(words => words.Length > 0));

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        lock (_lock)
        {
            foreach (var client in _clients)
            {
                client.Close();
            }
        }

        await _accepting;
    }

    private async Task<IReadOnlyList<byte[]>> WaitAsync(Predicate<IReadOnlyList<byte[]>> isEnough)
    {
        using var timeOut = new CancellationTokenSource(Patience);
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (isEnough(_heard))
                {
                    return [.. _heard];
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(timeOut.Token);
        }
    }

    private async Task AcceptAsync()
    {
        var conversations = new List<Task>();
        try
        {
            while (true)
            {
                conversations.Add(ListenAsync(await _listener.AcceptTcpClientAsync()));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Disposed of.
        }

        await Task.WhenAll(conversations);
    }

    private async Task ListenAsync(TcpClient client)
    {
        lock (_lock)
        {
            _clients.Add(client);
        }

        using var heard = new MemoryStream();
        try
        {
            await using var tls = new SslStream(client.GetStream());
            await tls.AuthenticateAsServerAsync(_certificate.Certificate);
            // A broker would answer; this one hangs up.
            var buffer = new byte[1024];
            heard.Write(buffer, 0, await tls.ReadAsync(buffer));
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or AuthenticationException)
        {
            // The client would not trust us, or is gone.
        }
        finally
        {
            client.Dispose();
        }

        lock (_lock)
        {
            _clients.Remove(client);
            _heard.Add(heard.ToArray());
            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
