using System.Buffers.Text;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Orders.Bench.UnderTest;

/// <summary>
/// Places orders over one kept connection, one after the other. It writes and reads HTTP itself: HttpClient takes more
/// of the processor for a request than the API does, on a machine that both share. Nor does it share threads: one that waits
/// in the system for its answer takes less than a pool of them that is woken for each.
/// </summary>
internal sealed class OrderClient : IDisposable
{
    private const int Digits = 9;
    private const string OrderIdPrefix = "bench-";

    private static int _lastOrder;

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _request;
    private readonly int _orderIdAt;
    private readonly byte[] _answer = new byte[8 * 1024];

    private OrderClient(int port)
    {
        var body = $$"""{"orderId":"{{OrderIdPrefix}}{{new string('0', Digits)}}","email":"customer@example.com","product":"Laptop, 14 inch"}""";
        _request = Encoding.ASCII.GetBytes(
            $"POST /orders HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        _orderIdAt = _request.AsSpan().IndexOf(Encoding.ASCII.GetBytes(OrderIdPrefix)) + OrderIdPrefix.Length;
    }

    public static OrderClient Connect(int port)
    {
        var client = new OrderClient(port);
        client._socket.Connect(IPAddress.Loopback, port);
        return client;
    }

    /// <summary>Places an order with an id of its own.</summary>
    /// <returns>When the request was sent, and when the whole answer was there, by <see cref="Stopwatch.GetTimestamp"/>.</returns>
    /// <exception cref="BenchmarkException">It was not accepted.</exception>
    public (long Sent, long Answered) Place()
    {
        var number = Interlocked.Increment(ref _lastOrder);
        Utf8Formatter.TryFormat(number, _request.AsSpan(_orderIdAt, Digits), out _, new('D', Digits));
        var sent = Stopwatch.GetTimestamp();
        _socket.Send(_request);
        var length = 0;
        do
        {
            var received = _socket.Receive(_answer.AsSpan(length));
            if (received == 0)
            {
                throw new BenchmarkException("The API closed the connection.");
            }

            length += received;
        }
        while (!IsComplete(_answer.AsSpan(0, length)));

        return _answer.AsSpan().StartsWith("HTTP/1.1 202"u8)
            ? (sent, Stopwatch.GetTimestamp())
            : throw new BenchmarkException($"The API did not accept an order: {Encoding.UTF8.GetString(_answer.AsSpan(0, length))}");
    }

    public void Dispose() => _socket.Dispose();

    private static bool IsComplete(ReadOnlySpan<byte> answer)
    {
        var headers = answer.IndexOf("\r\n\r\n"u8);
        if (headers < 0)
        {
            return false;
        }

        var name = "Content-Length: "u8;
        var length = answer[..headers].IndexOf(name);
        return length < 0
            ? answer.EndsWith("\r\n0\r\n\r\n"u8)
            : Utf8Parser.TryParse(answer[(length + name.Length)..headers], out int body, out _) && answer.Length >= headers + 4 + body;
    }
}
