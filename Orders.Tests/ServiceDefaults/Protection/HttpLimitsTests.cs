using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Orders.Tests.ServiceDefaults.Protection;

/// <summary>Clients that are slow on purpose, or too many, over sockets of their own.</summary>
internal sealed class HttpLimitsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Test]
    public async Task Headers_that_do_not_end_are_not_waited_for()
    {
        await using var api = await ApiUnderTest.StartAsync(settings: ("Http__HeadersTimeout", "00:00:00.500"));
        using var client = await ConnectAsync(api);
        var clock = Stopwatch.StartNew();
        await SendAsync(client, "POST /orders HTTP/1.1\r\nHost: localhost\r\n");

        // A further header now and then, as Slowloris does.
        var answer = ReadToEndAsync(client);
        await DribbleAsync(client, "X-Slow: 1\r\n", until: answer);

        Assert.That(await answer, Is.Empty.Or.StartsWith("HTTP/1.1 408 "));
        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(10)));
    }

    [Test]
    public async Task A_body_that_dribbles_in_is_refused()
    {
        await using var api = await ApiUnderTest.StartAsync();
        using var client = await ConnectAsync(api);
        await SendAsync(client, "POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 16000\r\nConnection: close\r\n\r\n{");

        // Kestrel by itself refuses less than 240 bytes a second.
        var answer = ReadToEndAsync(client);
        await DribbleAsync(client, new string(' ', 50), until: answer);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await answer, Does.StartWith("HTTP/1.1 408 "));
            Assert.That(await answer, Does.Contain("application/problem+json").And.Contain("The body came in too slowly."));
            Assert.That(api.TakePublished(), Is.Empty);
        }
    }

    [Test]
    public async Task More_connections_than_allowed_are_closed_and_those_that_are_open_work_on()
    {
        await using var api = await ApiUnderTest.StartAsync(settings: ("Http__MaxConnections", "2"));
        using var first = await ConnectAsync(api);
        using var second = await ConnectAsync(api);
        await SendAsync(first, "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
        await SendAsync(second, "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.That(await ReadSomeAsync(first), Does.StartWith("HTTP/1.1 200 "));
        Assert.That(await ReadSomeAsync(second), Does.StartWith("HTTP/1.1 200 "));

        using var third = await ConnectAsync(api);
        Assert.That(await ReadToEndAsync(third), Is.Empty);

        await SendAsync(first, "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.That(await ReadSomeAsync(first), Does.StartWith("HTTP/1.1 200 "));
    }

    [Test]
    public async Task Headers_over_16_KiB_are_refused()
    {
        await using var api = await ApiUnderTest.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/health/live");
        request.Headers.Add("X-Large", new string('x', 16 * 1024));

        using var answer = await api.Http.SendAsync(request);

        Assert.That((int)answer.StatusCode, Is.EqualTo(431));
    }

    private static async Task<TcpClient> ConnectAsync(ApiUnderTest api)
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, api.Http.BaseAddress!.Port);
        return client;
    }

    private static async Task SendAsync(TcpClient client, string text) => await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text));

    /// <summary>Sends a little again and again, until the other side has had enough.</summary>
    private static async Task DribbleAsync(TcpClient client, string text, Task until)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!until.IsCompleted && await timer.WaitForNextTickAsync())
        {
            try
            {
                await SendAsync(client, text);
            }
            catch (Exception exception) when (exception is IOException or InvalidOperationException)
            {
                return;
            }
        }
    }

    private static async Task<string> ReadSomeAsync(TcpClient client)
    {
        var buffer = new byte[16 * 1024];
        return Encoding.ASCII.GetString(buffer, 0, await client.GetStream().ReadAsync(buffer).AsTask().WaitAsync(Patience));
    }

    private static async Task<string> ReadToEndAsync(TcpClient client)
    {
        var text = new StringBuilder();
        try
        {
            while (await ReadSomeAsync(client) is { Length: > 0 } some)
            {
                text.Append(some);
            }
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            // The other side did not take everything that was sent to it; whoever sends has found that out, perhaps.
        }

        return text.ToString();
    }
}
