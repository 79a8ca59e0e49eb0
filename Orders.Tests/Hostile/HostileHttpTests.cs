using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using CsCheck;
using Orders.Api.Orders;
using Orders.FaultQueues;
using Orders.Tests.EndToEnd;

namespace Orders.Tests.Hostile;

/// <summary>Ten thousand hostile orders over HTTP, and requests that are hostile before they come to an order.</summary>
internal sealed class HostileHttpTests : OrderSystemTests
{
    private const int Orders = 10_000;
    private const int Requests = 500;
    private const int AtOnce = 8;

    private static readonly Gen<string> Paths = Gen.Frequency(
        (20, (IGen<string>)Gen.Const("/orders")),
        (5, Gen.Const("/order")),
        (1, Gen.OneOf("/orders/", "//orders", "/ORDERS", "/orders?email=thief@evil.example", "/orders/%0d%0aBcc:%20thief@evil.example", "/%2e%2e/orders", "/orders;a=b", "/orders/..%2f..%2fetc%2fpasswd")));

    private static readonly Gen<string?> ContentTypes = Gen.Frequency(
        (30, (IGen<string?>)Gen.Const<string?>("application/json")),
        (6, Gen.OneOf<string?>("application/json; charset=utf-8", "application/json;charset=\"UTF-8\"", "APPLICATION/JSON", "application/problem+json", "application/json; a=b; a=c")),
        (3, Gen.OneOf<string?>(null, "", "json", "text/json", "text/plain", "application/vnd.masstransit+json", "application/json; charset=utf-16", "application/json; charset=utf-7", "application/json; charset=klingon", "application/json; charset=", "application/json; charset=\"\"", "multipart/form-data; boundary=a", "application/x-www-form-urlencoded", "*/*", "application/json, text/plain", "application/json;;=;")));

    [Test]
    [CancelAfter(300_000)]
    public async Task Ten_thousand_hostile_orders_make_no_error_of_ours_and_no_email_that_was_not_meant(CancellationToken cancellationToken)
    {
        TheSystem = await OrderSystem.ServeAsync("Production", ("Alerts__To", null));
        var accepted = new ConcurrentDictionary<(string OrderId, string Email), int>();
        var answers = new ConcurrentDictionary<int, int>();

        var random = PCG.Parse("0N0XIzNsQ0O2");
        var requests = HostileOrder.Generate(random, "").Take(Orders)
            .Select(order => (order.Order, order.Body, Path: Paths.Generate(random, null, out _), ContentType: ContentTypes.Generate(random, null, out _)));
        await Parallel.ForEachAsync(requests, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, async (request, stop) =>
        {
            var (status, mediaType, body) = await PostAsync(request.Path, request.ContentType, request.Body, stop);
            answers.AddOrUpdate(status, 1, (_, count) => count + 1);
            var told = $"{request.ContentType} to {request.Path}: {Encoding.UTF8.GetString(request.Body)}\nwas answered with {status} {mediaType}: {body}";
            if (status == 202)
            {
                using var json = JsonDocument.Parse(body);
                var order = json.RootElement.GetProperty("order");
                var (orderId, email) = (order.GetProperty("orderId").GetString()!, order.GetProperty("email").GetString()!);
                accepted.AddOrUpdate((orderId, email), 1, (_, count) => count + 1);
                // Read otherwise than it was written, an order could be somebody else's.
                Assert.That((email, order.GetProperty("product").GetString()), Is.EqualTo((WellFormed(request.Order.Email), WellFormed(request.Order.Product))), told);
                Assert.That(orderId, Is.EqualTo(request.Order.OrderId).Or.Match("^[0-9a-f]{32}$"), told);
            }
            else
            {
                Assert.That(status, Is.InRange(400, 499), told);
                Assert.That(mediaType, Is.EqualTo("application/problem+json"), told);
                Assert.That(body, Does.Not.Contain("   at ").And.Not.Contain("Exception"), told);
            }
        });

        await TestContext.Out.WriteLineAsync($"Answers: {string.Join(", ", answers.OrderBy(answer => answer.Key).Select(answer => $"{answer.Value} × {answer.Key}"))}");
        await ExpectEmailsAsync(accepted.Keys.ToHashSet(), accepted.Values.Sum());
    }

    [Test]
    [CancelAfter(120_000)]
    public async Task Requests_that_are_hostile_before_their_body_are_refused(CancellationToken cancellationToken)
    {
        TheSystem = await OrderSystem.ServeAsync("Production", [("Alerts__To", null), ("Http__HeadersTimeout", "00:00:01")]);
        var random = PCG.Parse("0N0XIzNsQ0O2");

        await Parallel.ForEachAsync(
            Enumerable.Range(0, Requests).Select(_ => HostileRequest.Generate(random)),
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
            async (request, stop) =>
            {
                var answer = await SendAsync(request, stop);
                // 505 is what HTTP has for a version that does not exist.
                Assert.That(answer, Is.Empty.Or.Match(@"\AHTTP/1\.1 ([1-4]\d\d|505) "), Encoding.Latin1.GetString(request));
                Assert.That(answer, Does.Not.Contain("\nBcc").And.Not.Contain("   at "), Encoding.Latin1.GetString(request));
            });

        await ExpectEmailsAsync(new HashSet<(string, string)>(), 0);
    }

    /// <summary>The text as UTF-8 has it: half a surrogate pair cannot be written.</summary>
    private static string WellFormed(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    private async Task<(int Status, string? MediaType, string Body)> PostAsync(string path, string? contentType, byte[] body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{TheSystem.Http.BaseAddress!.ToString().TrimEnd('/')}{path}");
        request.Content = new ByteArrayContent(body);
        if (contentType is not null)
        {
            request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        // The server closes the connection on which a body is too large, and the next request should not be lost with it.
        request.Headers.ConnectionClose = body.Length > OrdersEndpoints.MaxBodySize;
        try
        {
            using var answer = await TheSystem.Http.SendAsync(request, cancellationToken);
            return ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType, await answer.Content.ReadAsStringAsync(cancellationToken));
        }
        catch (HttpRequestException) when (body.Length > OrdersEndpoints.MaxBodySize)
        {
            // Hung up on while it was still sending, a client may not get to see the answer.
            return (413, "application/problem+json", "");
        }
    }

    /// <summary>Sends bytes over a connection of their own, and reads what comes until it is closed.</summary>
    private async Task<string> SendAsync(byte[] request, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, TheSystem.Http.BaseAddress!.Port, cancellationToken);
        var stream = client.GetStream();
        var answer = new StringBuilder();
        var buffer = new byte[16 * 1024];
        try
        {
            await stream.WriteAsync(request, cancellationToken);
            client.Client.Shutdown(SocketShutdown.Send);
            while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and var read)
            {
                answer.Append(Encoding.Latin1.GetString(buffer, 0, read));
            }
        }
        catch (IOException)
        {
            // Closed before everything was sent.
        }

        return answer.ToString();
    }

    /// <summary>Waits for the emails of all orders that were accepted and of one good one, and asserts that nothing else was said to the mail server.</summary>
    private async Task ExpectEmailsAsync(HashSet<(string OrderId, string Email)> accepted, int count)
    {
        await TheSystem.PlaceAsync("good");
        accepted.Add(("good", "customer@example.com"));
        await TheSystem.Mail.WaitFor($"{count + 1} emails", mail => mail.Messages.Count > count, TimeSpan.FromSeconds(60));

        TheSystem.Mail.ExpectOnly(accepted);
        using var ready = await TheSystem.Http.GetAsync(new Uri("/health/ready", UriKind.Relative));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(TheSystem.Mail.Messages, Has.Count.EqualTo(count + 1));
            Assert.That(TheSystem.ConfirmedOrders, Does.Contain("good"));
            Assert.That(TheSystem.Log.All.Where(entry => entry.Level >= Microsoft.Extensions.Logging.LogLevel.Error), Is.Empty);
            Assert.That(TheSystem.Log.Of<FaultSorter>(210), Is.Empty, "What was accepted could be sent.");
            Assert.That((int)ready.StatusCode, Is.EqualTo(200));
        }
    }
}
