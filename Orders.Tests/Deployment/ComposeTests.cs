using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Orders.Tests.Deployment;

/// <summary>The deployment as <c>compose.yaml</c> says it, beside whatever else runs here: other ports, another project name.</summary>
[Long]
[Alone]
public sealed class ComposeTests
{
    private static readonly TimeSpan CommandTime = TimeSpan.FromMinutes(2);

    private readonly ComposeProject _project = new("compose.yaml");
    private HttpClient _api = null!;
    private HttpClient _mailpit = null!;
    private HttpClient _faults = null!;
    private HttpClient _management = null!;

    [OneTimeSetUp]
    public async Task StartTheDeployment()
    {
        await ContainerEngine.RequireAsync();
        _api = new HttpClient { BaseAddress = _project.Publish("API_PORT") };
        _mailpit = new HttpClient { BaseAddress = _project.Publish("MAILPIT_PORT") };
        _management = new HttpClient { BaseAddress = _project.Publish("RABBITMQ_MANAGEMENT_PORT") };
        _faults = new HttpClient { BaseAddress = _project.Publish("FAULTS_PORT") };
        _project.Set("FAULTS_USER", "on-call");
        _project.Set("FAULTS_PASSWORD", "let me in");

        await _project.StartAsync();
    }

    [OneTimeTearDown]
    public async Task EndTheDeployment()
    {
        await _project.DisposeAsync();
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
                ["valkey"] = 1,
            }));
    }

    [Test]
    public async Task Nothing_runs_as_root()
    {
        // The image's own user, whose number is another one in other builds of it.
        var valkey = (await ContainerEngine.RunAsync(["run", "--rm", "--entrypoint", "id", ValkeyServer.Image, "-u", "valkey"], CommandTime)).Trim();
        foreach (var container in await ListContainersAsync())
        {
            var processes = await ContainerEngine.RunAsync(["top", container.ID, "-o", "pid,uid"], CommandTime);
            var users = processes.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(row => row.Split(' ').Last());
            Assert.That(
                users,
                Is.Not.Empty.And.All.EqualTo(container.Service switch { "rabbitmq" => "999", "mailpit" => "65534", "valkey" => valkey, _ => "1654" }),
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
        using var response = await GetAsync(_management, "/api/overview", user, password);

        Assert.That(response.StatusCode, Is.EqualTo(status));
    }

    [Test]
    public async Task The_broker_has_no_other_users_than_those_of_the_deployment()
    {
        using var response = await GetAsync(_management, "/api/users", "orders", "orders");
        var users = (await response.Content.ReadFromJsonAsync<JsonElement>()).EnumerateArray();

        Assert.That(
            users.Select(user => user.GetProperty("name").GetString()),
            Is.EquivalentTo(["orders", BrokerUsers.Api, BrokerUsers.Worker, BrokerUsers.Redeliver, BrokerUsers.Topology]));
    }

    [Test]
    public async Task An_order_is_confirmed_by_email()
    {
        var email = await ComposeProject.PlaceOrderAsync(_api);

        await ComposeProject.WaitForEmailAsync(_mailpit, email);
    }

    [Test]
    public async Task An_order_that_is_sent_three_times_makes_one_email_and_has_a_status()
    {
        var order = new { orderId = $"{Guid.NewGuid():N}", email = $"{Guid.NewGuid():N}@customer.example", product = "Laptop" };
        for (var time = 0; time < 3; time++)
        {
            using var answer = await _api.PostAsJsonAsync("/orders", order);
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Accepted), await answer.Content.ReadAsStringAsync());
        }

        using var other = await _api.PostAsJsonAsync("/orders", order with { product = "Keyboard" });
        Assert.That(other.StatusCode, Is.EqualTo(HttpStatusCode.Conflict));

        await WaitForStatusAsync(order.orderId, "confirmed");
        await ComposeProject.WaitForEmailAsync(_mailpit, order.email);
    }

    [Test]
    public async Task Orders_are_refused_while_the_ledger_is_away_and_placed_once_it_is_back()
    {
        var order = new { orderId = $"{Guid.NewGuid():N}", email = $"{Guid.NewGuid():N}@customer.example", product = "Laptop" };
        await _project.RunAsync("stop", "valkey");
        try
        {
            using var answer = await _api.PostAsJsonAsync("/orders", order);
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable), await answer.Content.ReadAsStringAsync());
            Assert.That(answer.Headers.RetryAfter, Is.Not.Null);
        }
        finally
        {
            await _project.RunAsync("start", "valkey");
        }

        await PlaceUntilAcceptedAsync(order);
        await WaitForStatusAsync(order.orderId, "confirmed");
        await ComposeProject.WaitForEmailAsync(_mailpit, order.email);
    }

    [Test]
    public async Task Killed_workers_lose_nothing_and_double_no_more_than_nobody_can_know_of()
    {
        const int Orders = 400;
        var shop = $"{Guid.NewGuid():N}.example";
        var workers = (await ListContainersAsync()).Where(container => container.Service == "notifications-worker").ToArray();
        var kills = 0;

        var placing = Parallel.ForAsync(0, Orders, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (number, _) =>
            await PlaceUntilAcceptedAsync(new { orderId = $"{number}-{shop}", email = $"{number}@{shop}", product = "Laptop" }));
        do
        {
            var victim = workers[kills % workers.Length].ID;
            await ContainerEngine.RunAsync(["kill", victim], CommandTime);
            await ContainerEngine.RunAsync(["start", victim], CommandTime);
            kills++;
        }
        while (!placing.IsCompleted);

        await placing;
        var emails = await Eventually.GetAsync(
            "an email for each order",
            async cancellationToken => (await _mailpit.GetFromJsonAsync<JsonElement>($"/api/v1/search?query=to:{shop}&limit=1000", cancellationToken))
                .GetProperty("messages").EnumerateArray().Select(message => message.GetProperty("To")[0].GetProperty("Address").GetString()).ToArray(),
            found => found.Distinct().Count() == Orders,
            // A claim lapses after 100 s, and its message looks again every 10 s.
            TimeSpan.FromMinutes(4));

        // LedgerEmailSender says so of each email that it sends without knowing.
        var unknown = await CountWorkersLinesAsync("it is sent again, and may arrive twice");
        await TestContext.Out.WriteLineAsync($"{kills} kills: {emails.Length} emails for {Orders} orders, {unknown} sent without knowing");
        Assert.That(emails.Length - Orders, Is.LessThanOrEqualTo(unknown));
    }

    [Test]
    public async Task A_hundred_faults_of_an_order_whose_email_was_sent_are_replayed_and_send_none()
    {
        const int Faults = 100;
        var email = await ComposeProject.PlaceOrderAsync(_api);
        var orderId = email.Split('@')[0];
        await WaitForStatusAsync(orderId, "confirmed");
        for (var i = 0; i < Faults; i++)
        {
            var fault = SampleFaults.Create(orderId, email, failedAt: DateTimeOffset.UtcNow);
            using var added = await SendAsync(_management, HttpMethod.Post, "/api/exchanges/%2F/amq.default/publish", "orders", "orders", new
            {
                properties = new { delivery_mode = 2, content_type = fault.ContentType, message_id = fault.MessageId, headers = fault.Headers },
                routing_key = OrderConfirmationEndpoint.ErrorQueue,
                payload = Encoding.UTF8.GetString(fault.Body.Span),
                payload_encoding = "string",
            });
            Assert.That(await added.Content.ReadAsStringAsync(), Is.EqualTo("""{"routed":true}"""));
        }

        using var replay = await SendAsync(
            _faults, HttpMethod.Post, "/faults/api/order-confirmation/error/replay", "on-call", "let me in", new { filter = new { orderId }, rate = 1_000 });

        Assert.That((await replay.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("count").GetInt32(), Is.EqualTo(Faults));
        await Eventually.GetAsync(
            "every replay is found to be of an email that was sent",
            _ => CountWorkersLinesAsync($"order-confirmation-{orderId}", "was sent before"),
            found => found == Faults,
            CommandTime);
        await ComposeProject.WaitForEmailAsync(_mailpit, email);
    }

    [Test]
    public async Task Orders_placed_while_the_mail_server_is_down_are_confirmed_once_it_is_back()
    {
        var emails = new List<string>();
        await _project.RunAsync("stop", "mailpit");
        try
        {
            for (var i = 0; i < 5; i++)
            {
                emails.Add(await ComposeProject.PlaceOrderAsync(_api));
            }
        }
        finally
        {
            await _project.RunAsync("start", "mailpit");
        }

        foreach (var email in emails)
        {
            await ComposeProject.WaitForEmailAsync(_mailpit, email);
        }
    }

    [Test]
    public async Task The_fault_queues_open_to_the_user_of_the_deployment_and_to_nobody_else()
    {
        using var anonymous = await _faults.GetAsync("/faults/api");
        using var wrong = await GetAsync(_faults, "/faults/api", "on-call", "another");
        using var right = await GetAsync(_faults, "/faults/api", "on-call", "let me in");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(anonymous.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That(wrong.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That(right.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }

        var queues = (await right.Content.ReadFromJsonAsync<JsonElement>()).EnumerateArray();
        Assert.That(
            queues.Where(queue => queue.GetProperty("endpoint").GetString() == "order-shipped").Select(queue => queue.GetProperty("queue").GetString()),
            Is.EqualTo(["error", "parked"]));
    }

    [TestCase("orders-api", "Orders.Api")]
    [TestCase("redeliver", "Notifications.Worker")]
    public async Task Each_image_holds_a_bill_of_all_packages_that_the_program_is_made_of(string service, string program)
    {
        using var dependencies = JsonDocument.Parse(await ReadFileAsync(service, $"/app/{program}.deps.json"));
        using var bill = JsonDocument.Parse(await ReadFileAsync(service, "/app/bom.json"));
        var components = bill.RootElement.GetProperty("components").EnumerateArray().ToArray();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                components.Select(component => $"{component.GetProperty("name").GetString()}/{component.GetProperty("version").GetString()}"),
                Is.EquivalentTo(dependencies.RootElement.GetProperty("libraries").EnumerateObject()
                    .Where(library => library.Value.GetProperty("type").GetString() == "package")
                    .Select(library => library.Name)));
            Assert.That(components, Is.All.Matches<JsonElement>(component => component.GetProperty("licenses").GetArrayLength() > 0));
        }
    }

    /// <summary>Places an order, as a client does that comes again when it is told to.</summary>
    private async Task PlaceUntilAcceptedAsync(object order) => await Eventually.GetAsync(
        "the order is accepted",
        async cancellationToken =>
        {
            using var answer = await _api.PostAsJsonAsync("/orders", order, cancellationToken);
            return answer.StatusCode;
        },
        status => status == HttpStatusCode.Accepted,
        CommandTime);

    /// <summary>Counts the lines of the workers' logs that have all of these texts.</summary>
    private async Task<int> CountWorkersLinesAsync(params string[] texts) => (await _project.RunAsync("logs", "--no-color", "notifications-worker"))
        .Split('\n').Count(line => texts.All(text => line.Contains(text, StringComparison.Ordinal)));

    private async Task WaitForStatusAsync(string orderId, string status) => await Eventually.GetAsync(
        $"the order is {status}",
        async cancellationToken => (await _api.GetFromJsonAsync<JsonElement>($"/orders/{orderId}", cancellationToken)).GetProperty("status").GetString(),
        found => found == status,
        CommandTime);

    /// <summary>Reads a file of an image that has no shell.</summary>
    private async Task<string> ReadFileAsync(string service, string path)
    {
        var folder = Directory.CreateTempSubdirectory("orders-tests");
        try
        {
            await _project.RunAsync("cp", $"{service}:{path}", folder.FullName);
            return await File.ReadAllTextAsync(Path.Combine(folder.FullName, Path.GetFileName(path)));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static Task<HttpResponseMessage> GetAsync(HttpClient http, string path, string user, string password) =>
        SendAsync(http, HttpMethod.Get, path, user, password);

    private static async Task<HttpResponseMessage> SendAsync(
        HttpClient http, HttpMethod method, string path, string user, string password, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        request.Headers.Authorization = Basic.Header($"{user}:{password}");
        return await http.SendAsync(request);
    }

    /// <param name="andEnded">Whether those are meant too that run once and have ended.</param>
    private async Task<Container[]> ListContainersAsync(bool andEnded = false) =>
    [
        .. (await _project.RunAsync(["ps", "--format", "json", .. andEnded ? ["--all"] : Array.Empty<string>()]))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonSerializer.Deserialize<Container>(line)!),
    ];

    private static IEnumerable<string?> Texts(JsonElement array) => array.EnumerateArray().Select(text => text.GetString());

    /// <summary>As <c>docker compose ps</c> tells it.</summary>
    private sealed record Container(string ID, string Service, string Health);
}
