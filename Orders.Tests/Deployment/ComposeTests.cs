using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Orders.Tests.Machine;

namespace Orders.Tests.Deployment;

/// <summary>The deployment as <c>compose.yaml</c> says it, beside whatever else runs here: other ports, another project name.</summary>
[Category("Compose")]
[NonParallelizable]
public sealed class ComposeTests
{
    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan CommandTime = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan DeliveryTime = TimeSpan.FromMinutes(2);

    private readonly string _project = $"orders-test-{Guid.NewGuid():N}"[..20];
    private readonly Dictionary<string, string> _environment = [];
    private HttpClient? _api;
    private HttpClient? _mailpit;
    private HttpClient? _faults;
    private HttpClient? _management;
    private bool _started;

    private HttpClient Api => _api!;

    private HttpClient Mailpit => _mailpit!;

    private HttpClient Faults => _faults!;

    private HttpClient Management => _management!;

    [OneTimeSetUp]
    public async Task StartTheDeployment()
    {
        await ContainerEngine.RequireAsync();
        var ports = Ports.Free(4);
        _environment["API_PORT"] = Invariant(ports[0]);
        _environment["MAILPIT_PORT"] = Invariant(ports[1]);
        _environment["RABBITMQ_MANAGEMENT_PORT"] = Invariant(ports[2]);
        _environment["FAULTS_PORT"] = Invariant(ports[3]);
        _environment["FAULTS_USER"] = "on-call";
        _environment["FAULTS_PASSWORD"] = "let me in";
        _api = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{ports[0]}") };
        _mailpit = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{ports[1]}") };
        _management = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{ports[2]}") };
        _faults = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{ports[3]}") };

        _started = true;
        await ComposeAsync(StartTime, "up", "--build", "--wait", "--quiet-pull");
    }

    [OneTimeTearDown]
    public async Task EndTheDeployment()
    {
        if (_started)
        {
            try
            {
                if (TestContext.CurrentContext.Result.FailCount > 0)
                {
                    await TestContext.Progress.WriteLineAsync(await ComposeAsync(CommandTime, "logs", "--no-color", "--tail", "60"));
                }
            }
            finally
            {
                await ComposeAsync(CommandTime, "down", "--volumes", "--timeout", "5");
            }
        }

        _api?.Dispose();
        _mailpit?.Dispose();
        _faults?.Dispose();
        _management?.Dispose();
    }

    [Test]
    public async Task Every_service_is_healthy_and_three_workers_share_the_queue()
    {
        var containers = await ListContainersAsync();

        Assert.That(containers.Select(container => container.Health), Is.All.EqualTo("healthy"));
        Assert.That(
            containers.GroupBy(container => container.Service).ToDictionary(group => group.Key, group => group.Count()),
            Is.EquivalentTo(new Dictionary<string, int>
            {
                ["rabbitmq"] = 1,
                ["orders-api"] = 1,
                ["notifications-worker"] = 3,
                ["redeliver"] = 1,
                ["mailpit"] = 1,
            }));
    }

    [Test]
    public async Task Nothing_runs_as_root()
    {
        foreach (var container in await ListContainersAsync())
        {
            var processes = await ContainerEngine.RunAsync(["top", container.ID, "-o", "pid,uid"], CommandTime);
            var users = processes.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(row => row.Split(' ').Last());
            Assert.That(
                users,
                Is.Not.Empty.And.All.EqualTo(container.Service switch { "rabbitmq" => "999", "mailpit" => "65534", _ => "1654" }),
                container.Service);
        }
    }

    [Test]
    public async Task Every_container_is_confined()
    {
        foreach (var container in await ListContainersAsync(andEnded: true))
        {
            var inspected = JsonDocument.Parse(await ContainerEngine.RunAsync(["inspect", container.ID], CommandTime)).RootElement[0];
            var host = inspected.GetProperty("HostConfig");
            var image = inspected.GetProperty("Config").GetProperty("Image").GetString();
            using (Assert.EnterMultipleScope())
            {
                Assert.That(host.GetProperty("ReadonlyRootfs").GetBoolean(), Is.True, container.Service);
                Assert.That(Texts(host.GetProperty("CapDrop")), Is.EqualTo(["ALL"]), container.Service);
                Assert.That(host.GetProperty("CapAdd").ValueKind, Is.EqualTo(JsonValueKind.Null), container.Service);
                Assert.That(Texts(host.GetProperty("SecurityOpt")), Is.EqualTo(["no-new-privileges:true"]), container.Service);
                Assert.That(host.GetProperty("Privileged").GetBoolean(), Is.False, container.Service);
                Assert.That(host.GetProperty("Memory").GetInt64(), Is.GreaterThan(0), container.Service);
                Assert.That(host.GetProperty("PidsLimit").GetInt64(), Is.GreaterThan(0), container.Service);
                Assert.That(image, Does.Match(@":(\D*\d+\.\d+\.\d+|local)"), container.Service);
            }
        }
    }

    [Test]
    public async Task Only_the_port_of_the_API_is_for_the_world()
    {
        var open = new List<string>();
        foreach (var container in await ListContainersAsync())
        {
            var ports = JsonDocument.Parse(await ContainerEngine.RunAsync(["inspect", "--format", "{{json .NetworkSettings.Ports}}", container.ID], CommandTime)).RootElement;
            open.AddRange(
                from port in ports.EnumerateObject()
                where port.Value.ValueKind == JsonValueKind.Array
                from binding in port.Value.EnumerateArray()
                where !IPAddress.IsLoopback(IPAddress.Parse(binding.GetProperty("HostIp").GetString()!))
                select $"{container.Service} {port.Name}");
        }

        // Once for each version of IP.
        Assert.That(open.Distinct(), Is.EqualTo(["orders-api 3000/tcp"]));
    }

    [TestCase("orders", "orders", HttpStatusCode.OK)]
    [TestCase("guest", "guest", HttpStatusCode.Unauthorized)]
    [TestCase("redeliver", "redeliver", HttpStatusCode.Unauthorized)]
    public async Task The_management_page_opens_to_the_administrator_alone(string user, string password, HttpStatusCode status)
    {
        using var response = await GetAsync(Management, "/api/overview", user, password);

        Assert.That(response.StatusCode, Is.EqualTo(status));
    }

    [Test]
    public async Task The_broker_has_no_other_users_than_those_of_the_deployment()
    {
        using var response = await GetAsync(Management, "/api/users", "orders", "orders");
        var users = (await response.Content.ReadFromJsonAsync<JsonElement>()).EnumerateArray();

        Assert.That(
            users.Select(user => user.GetProperty("name").GetString()),
            Is.EquivalentTo(["orders", BrokerUsers.Api, BrokerUsers.Worker, BrokerUsers.Redeliver, BrokerUsers.Topology]));
    }

    [Test]
    public async Task An_order_is_confirmed_by_email()
    {
        var email = await PlaceOrderAsync();

        await WaitForEmailAsync(email);
    }

    [Test]
    public async Task Orders_placed_while_the_mail_server_is_down_are_confirmed_once_it_is_back()
    {
        var emails = new List<string>();
        await ComposeAsync(CommandTime, "stop", "mailpit");
        try
        {
            for (var i = 0; i < 5; i++)
            {
                emails.Add(await PlaceOrderAsync());
            }
        }
        finally
        {
            await ComposeAsync(CommandTime, "start", "mailpit");
        }

        foreach (var email in emails)
        {
            await WaitForEmailAsync(email);
        }
    }

    [Test]
    public async Task The_fault_queues_open_to_the_user_of_the_deployment_and_to_nobody_else()
    {
        using var anonymous = await Faults.GetAsync("/faults/api");
        using var wrong = await GetAsync(Faults, "/faults/api", "on-call", "another");
        using var right = await GetAsync(Faults, "/faults/api", "on-call", "let me in");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(anonymous.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That(wrong.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That(right.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }

        var queues = (await right.Content.ReadFromJsonAsync<JsonElement>()).EnumerateArray();
        Assert.That(queues.Select(queue => queue.GetProperty("queue").GetString()), Is.EqualTo(["error", "parked"]));
    }

    private static async Task<HttpResponseMessage> GetAsync(HttpClient http, string path, string user, string password)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")));
        return await http.SendAsync(request);
    }

    /// <returns>The customer's address, which no other order has.</returns>
    private async Task<string> PlaceOrderAsync()
    {
        var orderId = Guid.NewGuid().ToString("N");
        var email = $"{orderId}@customer.example";
        using var response = await Api.PostAsJsonAsync("/orders", new { orderId, email, product = "Laptop" });
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Accepted), await response.Content.ReadAsStringAsync());
        return email;
    }

    private async Task WaitForEmailAsync(string address) => await Eventually.GetAsync(
        $"one email to {address}",
        async cancellationToken =>
        {
            var found = await Mailpit.GetFromJsonAsync<JsonElement>($"/api/v1/search?query=to:{address}", cancellationToken);
            return found.GetProperty("messages_count").GetInt32();
        },
        count => count == 1,
        DeliveryTime);

    /// <param name="andEnded">Whether those are meant too that run once and have ended.</param>
    private async Task<Container[]> ListContainersAsync(bool andEnded = false) =>
    [
        .. (await ComposeAsync(CommandTime, ["ps", "--format", "json", .. andEnded ? ["--all"] : Array.Empty<string>()]))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonSerializer.Deserialize<Container>(line)!),
    ];

    private Task<string> ComposeAsync(TimeSpan within, params IEnumerable<string> arguments) => ContainerEngine.RunAsync(
        ["compose", "--project-name", _project, .. arguments], within, _environment, Repository.Root);

    private static IEnumerable<string?> Texts(JsonElement array) => array.EnumerateArray().Select(text => text.GetString());

    private static string Invariant(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>As <c>docker compose ps</c> tells it.</summary>
    private sealed record Container(string ID, string Service, string Health);
}
