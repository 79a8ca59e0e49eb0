using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Orders.Bench.UnderTest;

namespace Orders.Bench.Limits;

/// <summary>What the sink can take from sockets that write the same bytes again and again, each conversation complete.</summary>
internal static class RawSmtp
{
    private static readonly byte[] Hello = "EHLO bench.example\r\n"u8.ToArray();
    private static readonly byte[] From = "MAIL FROM:<orders@shop.example>\r\n"u8.ToArray();
    private static readonly byte[] To = "RCPT TO:<customer@example.com>\r\n"u8.ToArray();
    private static readonly byte[] Data = "DATA\r\n"u8.ToArray();

    /// <summary>Sends emails over kept connections.</summary>
    /// <param name="sink">The sink, which has seen an email before: the same one is sent.</param>
    /// <param name="connections">How many connections.</param>
    /// <param name="emails">How many emails in all.</param>
    /// <returns>Emails a second.</returns>
    public static async Task<double> SendAsync(SmtpSink sink, int connections, int emails)
    {
        var content = sink.LastContent;
        var left = emails;
        _ = sink.Expect(emails);
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(async () =>
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            var answer = new byte[512];
            await socket.ConnectAsync(IPAddress.Loopback, sink.Port);
            await socket.ReceiveAsync(answer);
            await SayAsync(socket, Hello, answer);
            while (Interlocked.Decrement(ref left) >= 0)
            {
                await SayAsync(socket, From, answer);
                await SayAsync(socket, To, answer);
                await SayAsync(socket, Data, answer);
                await SayAsync(socket, content, answer);
            }
        })));
        return emails / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static async Task SayAsync(Socket socket, byte[] what, byte[] answer)
    {
        await socket.SendAsync(what);
        await socket.ReceiveAsync(answer);
    }
}
