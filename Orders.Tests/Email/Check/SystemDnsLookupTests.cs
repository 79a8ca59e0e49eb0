using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Orders.Email.Check;

namespace Orders.Tests.Email.Check;

/// <summary>Questions to a DNS server, which here is a socket that answers what the test says (RFC 1035, section 4.1).</summary>
public sealed class SystemDnsLookupTests
{
    private const byte NotFound = 3;
    private const byte ServerFailure = 2;

    [Test]
    public async Task The_parts_of_a_text_are_joined()
    {
        using var server = Answering(0, Text("v=spf1 ", "-all"), Text("another"));

        Assert.That(await Lookup(server).FindTextsAsync("shop.example", CancellationToken.None), Is.EqualTo(["v=spf1 -all", "another"]));
    }

    [Test]
    public async Task The_preferred_mail_server_comes_first()
    {
        using var server = Answering(0, MailServer(20, "second.example"), MailServer(10, "first.example"));

        Assert.That(await Lookup(server).FindMailServersAsync("shop.example", CancellationToken.None), Is.EqualTo(["first.example", "second.example"]));
    }

    [Test]
    public async Task A_domain_that_takes_no_email_has_a_dot()
    {
        using var server = Answering(0, MailServer(0, ""));

        Assert.That(await Lookup(server).FindMailServersAsync("shop.example", CancellationToken.None), Is.EqualTo(["."]));
    }

    [Test]
    public async Task A_name_that_does_not_exist_has_nothing()
    {
        using var server = Answering(NotFound);

        Assert.That(await Lookup(server).FindTextsAsync("shop.example", CancellationToken.None), Is.Empty);
        Assert.That(await Lookup(server).HasAddressAsync("shop.example", CancellationToken.None), Is.False);
    }

    [Test]
    public async Task A_server_that_fails_leaves_it_open()
    {
        using var server = Answering(ServerFailure);

        await Assert.ThrowsAsync<DnsUnavailableException>(() => Lookup(server).FindTextsAsync("shop.example", CancellationToken.None));
    }

    [Test]
    public async Task A_server_that_says_nothing_leaves_it_open()
    {
        using var silent = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));

        await Assert.ThrowsAsync<DnsUnavailableException>(() => Lookup(silent).FindTextsAsync("shop.example", CancellationToken.None));
    }

    private static SystemDnsLookup Lookup(UdpClient server) => new((IPEndPoint)server.Client.LocalEndPoint!);

    private static (ushort Type, byte[] Data) Text(params string[] parts) => (16, [.. parts.SelectMany(part => Encoding.ASCII.GetBytes(part).Prepend((byte)part.Length))]);

    private static (ushort Type, byte[] Data) MailServer(byte preference, string name) => (15, [0, preference, .. Name(name)]);

    private static IEnumerable<byte> Name(string name) =>
        name.Split('.', StringSplitOptions.RemoveEmptyEntries).SelectMany(label => Encoding.ASCII.GetBytes(label).Prepend((byte)label.Length)).Append((byte)0);

    /// <summary>Starts a server that gives everybody the same answer, until it is disposed of.</summary>
    private static UdpClient Answering(byte code, params (ushort Type, byte[] Data)[] records)
    {
        var server = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        _ = AnswerAsync();
        return server;

        async Task AnswerAsync()
        {
            try
            {
                while (true)
                {
                    var question = await server.ReceiveAsync();
                    await server.SendAsync(Answer(question.Buffer, code, records), question.RemoteEndPoint);
                }
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }

    private static byte[] Answer(byte[] question, byte code, (ushort Type, byte[] Data)[] records)
    {
        // After the 12 bytes of the header come the name, which a zero ends, its type and its class.
        var end = Array.IndexOf(question, (byte)0, 12) + 5;
        return
        [
            question[0], question[1], 0x81, (byte)(0x80 | code), 0, 1, .. Number(records.Length), 0, 0, 0, 0,
            .. question[12..end],
            // 0xC00C: the name is that of the question. Class 1, for 60 seconds.
            .. records.SelectMany(record => (byte[])[0xC0, 0x0C, .. Number(record.Type), 0, 1, 0, 0, 0, 60, .. Number(record.Data.Length), .. record.Data]),
        ];
    }

    private static byte[] Number(int number)
    {
        var bytes = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)number);
        return bytes;
    }
}
