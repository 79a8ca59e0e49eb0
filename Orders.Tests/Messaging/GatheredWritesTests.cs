using System.Net;
using System.Net.Sockets;
using Orders.Messaging;
using RabbitMQ.Client;

namespace Orders.Tests.Messaging;

/// <summary>What the client of RabbitMQ writes, on its way to the broker.</summary>
public sealed class GatheredWritesTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private TcpListener _listener = null!;
    private ITcpClient _client = null!;
    private Socket _broker = null!;

    [SetUp]
    public async Task ConnectAsync()
    {
        _listener = new TcpListener(IPAddress.Loopback, 0);
        _listener.Start();
        var factory = new ConnectionFactory();
        factory.GatherWrites();
        _client = factory.SocketFactory(AddressFamily.InterNetwork);
        await _client.ConnectAsync(IPAddress.Loopback, ((IPEndPoint)_listener.LocalEndpoint).Port);
        _broker = await _listener.AcceptSocketAsync();
    }

    [TearDown]
    public void Close()
    {
        _broker.Dispose();
        _client.Dispose();
        _listener.Dispose();
    }

    [Test]
    public async Task Everything_arrives_in_its_order_however_much_it_is()
    {
        // More than is kept, and than the system takes at once.
        var sent = new byte[8 * 1024 * 1024];
        new Random(1).NextBytes(sent);
        var stream = _client.GetStream();

        var writing = Task.Run(async () =>
        {
            foreach (var frame in Enumerable.Range(0, sent.Length / 4096))
            {
                await stream.WriteAsync(sent.AsMemory(frame * 4096, 4096));
            }
        });
        var received = new byte[sent.Length];
        using var broker = new NetworkStream(_broker);
        await broker.ReadExactlyAsync(received).AsTask().WaitAsync(Patience);
        await writing.WaitAsync(Patience);

        Assert.That(received.AsSpan().SequenceEqual(sent));
    }

    [Test]
    public async Task A_writer_waits_for_a_broker_that_does_not_read()
    {
        var stream = _client.GetStream();
        using var enough = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));

        Assert.That(
            async () =>
            {
                for (var written = 0; written < 256 * 1024 * 1024; written += 64 * 1024)
                {
                    await stream.WriteAsync(new byte[64 * 1024], enough.Token);
                }
            },
            Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task A_broken_connection_is_told_to_who_writes_next()
    {
        var stream = _client.GetStream();
        _broker.LingerState = new LingerOption(enable: true, seconds: 0);
        _broker.Dispose();

        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        using var timeOut = new CancellationTokenSource(Patience);
        IOException? failure = null;
        while (failure is null)
        {
            await timer.WaitForNextTickAsync(timeOut.Token);
            try
            {
                await stream.WriteAsync(new byte[16], timeOut.Token);
            }
            catch (IOException exception)
            {
                failure = exception;
            }
        }

        Assert.That(failure.InnerException, Is.Not.Null);
    }
}
