using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using Orders.Testing.Machine;
using Orders.Testing.Network;

namespace Orders.Testing.Programs;

/// <summary>
/// The API and the worker as processes of their own, whose passwords are known from all other text, with all that they
/// say to anybody: every line of a log that leaves nothing out, every answer over HTTP.
/// </summary>
internal sealed class SecretWatch : IAsyncDisposable
{
    /// <summary>The password that the programs have for the broker.</summary>
    public static readonly string BrokerPassword = $"broker-{Guid.NewGuid():N}";

    /// <summary>The password that the worker has for the mail server.</summary>
    public static readonly string MailPassword = $"mail-{Guid.NewGuid():N}";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private const string ParkedPath = "/faults/api/order-confirmation/parked";
    private const string Operator = "olga";

    private static readonly string OperatorPassword = $"operator-{Guid.NewGuid():N}";
    private static readonly string MistypedPassword = $"mistyped-{Guid.NewGuid():N}";

    private static readonly string[] Paths =
    [
        "/health/live", "/health/ready", "/metrics", "/nowhere", "/swagger/index.html", "/openapi/v1.json", "/openapi/faults.json",
        "/faults", "/faults/order-confirmation/error", "/faults/order-confirmation/parked", "/faults/audit", "/faults/nowhere",
        "/faults/api", "/faults/api/order-confirmation/error", ParkedPath, "/faults/api/order-confirmation/parked/groups", "/faults/api/nowhere",
    ];

    private readonly DirectoryInfo _files = Directory.CreateTempSubdirectory("orders-tests-secrets-");
    private readonly ConcurrentQueue<string> _said = [];
    private readonly List<Server> _programs = [];
    private readonly Uri[] _addresses = [.. Ports.Free(2).Select(port => new Uri($"http://127.0.0.1:{port}"))];

    /// <summary>Starts both programs.</summary>
    /// <param name="brokerPort">The port of the broker on 127.0.0.1.</param>
    /// <param name="settings">Further settings by the names of their environment variables.</param>
    public async Task StartAsync(int brokerPort, params (string Name, string Value)[] settings)
    {
        (string, string)[] common =
        [
            ("Messaging__Transport", "RabbitMq"),
            ("RabbitMq__Host", "127.0.0.1"),
            ("RabbitMq__Port", $"{brokerPort}"),
            ("RabbitMq__Username", "shop"),
            ("RabbitMq__PasswordFile", FileOf(BrokerPassword)),
        ];
        _programs.Add(await RealProgram.Worker.StartTalkingAsync(
            _said.Enqueue,
            [
                .. common,
                ("ASPNETCORE_URLS", _addresses[0].OriginalString),
                ("Email__Delivery", "Smtp"),
                ("Email__From", "Acorn Shop <orders@shop.example>"),
                ("Email__Smtp__Host", "127.0.0.1"),
                ("Email__Smtp__Username", "shop"),
                ("Email__Smtp__PasswordFile", FileOf(MailPassword)),
                ("Faults__Users__0__Name", Operator),
                ("Faults__Users__0__Role", "Operator"),
                ("Faults__Users__0__PasswordFile", FileOf(OperatorPassword)),
                .. settings,
            ]));
        _programs.Add(await RealProgram.Api.StartTalkingAsync(_said.Enqueue, [.. common, ("ASPNETCORE_URLS", _addresses[1].OriginalString), .. settings.Where(IsOfBroker)]));
    }

    /// <summary>Places an order at the API until the answer has this status.</summary>
    public Task PlaceOrderAsync(int status) => Eventually.GetAsync(
        $"an order is answered with {status}",
        async cancellationToken =>
        {
            using var http = new HttpClient { BaseAddress = _addresses[1] };
            using var answer = await http.PostAsJsonAsync("/orders", new { orderId = "1", email = "customer@example.com", product = "Laptop" }, cancellationToken);
            await HearAsync(answer);
            return (int)answer.StatusCode;
        },
        answered => answered == status,
        Patience);

    /// <summary>Waits until a text has been said by one of the programs.</summary>
    public Task WaitForAsync(string text) => Eventually.GetAsync(
        $"'{text}' is said", _ => Task.FromResult(_said.Any(said => said.Contains(text, StringComparison.Ordinal))), found => found, Patience);

    /// <summary>Asks both programs for everything, as nobody, as the operator, and as one who mistypes the password.</summary>
    public async Task AskForEverythingAsync()
    {
        foreach (var address in _addresses)
        {
            using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = address };
            foreach (var path in Paths)
            {
                await AskAsync(http, path, null);
                await AskAsync(http, path, MistypedPassword);
                var answer = await AskAsync(http, path, OperatorPassword);
                if (path == ParkedPath && answer is not null)
                {
                    foreach (var fault in JsonNode.Parse(answer)!["items"]!.AsArray())
                    {
                        await AskAsync(http, $"{ParkedPath}/{(string?)fault!["id"]}", OperatorPassword);
                        await AskAsync(http, $"/faults/order-confirmation/parked/{(string?)fault["id"]}", OperatorPassword);
                    }
                }
            }
        }
    }

    /// <summary>Sees that none of the passwords was said to anybody, neither as it is nor within something in Base64.</summary>
    /// <param name="known">A text that was said for certain, so that it is known to be heard.</param>
    public void ExpectNoSecret(string known)
    {
        var said = _said.ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(said, Has.Some.Contains(known));
            foreach (var trace in new[] { BrokerPassword, MailPassword, OperatorPassword, MistypedPassword }.SelectMany(TracesOf))
            {
                Assert.That(said.Where(text => text.Contains(trace, StringComparison.OrdinalIgnoreCase)), Is.Empty);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var program in _programs)
        {
            await program.DisposeAsync();
        }

        _files.Delete(recursive: true);
    }

    private static bool IsOfBroker((string Name, string Value) setting) => setting.Name.StartsWith("RabbitMq__", StringComparison.Ordinal);

    /// <summary>The secret, and what is seen of it in Base64 wherever in a text it begins.</summary>
    private static IEnumerable<string> TracesOf(string secret) =>
    [
        secret,
        .. Enumerable.Range(0, 3).Select(before =>
        {
            var base64 = Convert.ToBase64String(Encoding.UTF8.GetBytes(new string(' ', before) + secret));
            // What the neighbours have a part in is left out.
            return base64[(before == 0 ? 0 : before + 1)..^4];
        }),
    ];

    /// <returns>The body, where the answer is one of success.</returns>
    private async Task<string?> AskAsync(HttpClient http, string path, string? password)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = password is null ? null : Basic.Header($"{Operator}:{password}");
        using var answer = await http.SendAsync(request);
        var body = await HearAsync(answer);
        return answer.IsSuccessStatusCode ? body : null;
    }

    private async Task<string> HearAsync(HttpResponseMessage answer)
    {
        var body = await answer.Content.ReadAsStringAsync();
        _said.Enqueue($"{answer}\n{body}");
        return body;
    }

    private string FileOf(string secret)
    {
        var path = Path.Combine(_files.FullName, secret[..secret.IndexOf('-', StringComparison.Ordinal)]);
        File.WriteAllText(path, $"{secret}\n");
        return path;
    }
}
