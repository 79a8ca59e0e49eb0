using System.Net.Http.Json;
using System.Text.Json;
using Notifications.Worker;
using Orders.Api.Publishing;
using Orders.FaultQueues.Audit;
using Orders.FaultQueues.Http;
using Orders.FaultQueues.Inspection;
using Orders.Messaging;

namespace Orders.Tests.GeneratedClients;

/// <summary>
/// Clients that generators make of the two OpenAPI documents: they compile, place orders, and replay what failed. The programs
/// that use them are in <c>CSharp</c> and <c>TypeScript</c>, with the versions of the generators.
/// </summary>
[Long]
internal sealed class GeneratedClientsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static readonly string[] Documents = ["orders", "faults"];
    private static readonly string[] Generators = ["nswag", "kiota", "openapi-typescript", "hey-api"];

    private readonly Cleanup _cleanup = new();
    private Running _running = null!;
    private Compiling _compiling = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        var folder = Directory.CreateTempSubdirectory("orders-clients-");
        _cleanup.Add(() =>
        {
            folder.Delete(recursive: true);
            return Task.CompletedTask;
        });
        // The tools are fetched while the programs start.
        var documents = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _compiling = new Compiling(
            CompileCSharpAsync(folder.CreateSubdirectory("csharp").FullName, documents.Task),
            CompileTypeScriptAsync(folder.CreateSubdirectory("typescript").FullName, documents.Task));
        _cleanup.Add(async () =>
        {
            documents.TrySetCanceled();
            await ((Task)Task.WhenAll(_compiling.CSharp, _compiling.TypeScript)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });

        var (system, orders, faults) = _running = await StartProgramsAsync();
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "orders.json"), await orders.GetStringAsync(new Uri("/openapi/v1.json", UriKind.Relative)));
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "faults.json"), await faults.GetStringAsync(new Uri(FaultDocumentation.Address, UriKind.Relative)));
        documents.SetResult();

        system.RefuseConfirmations();
        foreach (var generator in Generators)
        {
            using var response = await orders.PostAsJsonAsync("/orders", new { orderId = $"{generator}-failed", email = "customer@example.com", product = "Laptop" });
            response.EnsureSuccessStatusCode();
        }

        await Eventually.GetAsync(
            "the failed orders in the error queue",
            async cancellationToken => (await faults.GetFromJsonAsync<FaultPage>("/faults/api/order-confirmation/error", JsonSerializerOptions.Web, cancellationToken))!,
            page => page.Count == Generators.Length,
            TimeSpan.FromSeconds(60));
    }

    [OneTimeTearDown]
    public Task StopAsync() => _cleanup.RunAsync();

    [TestCase("nswag")]
    [TestCase("kiota")]
    public async Task A_client_in_CSharp_places_orders_and_replays_what_failed(string generator) =>
        await RunAsync(generator, RealProgram.Runtime, Path.Combine(await _compiling.CSharp, "Clients.dll"), generator);

    [TestCase("openapi-typescript")]
    [TestCase("hey-api")]
    public async Task A_client_in_TypeScript_places_orders_and_replays_what_failed(string generator) =>
        await RunAsync(generator, "node", Path.Combine(await _compiling.TypeScript, $"{generator}.js"));

    /// <summary>Runs a program that uses generated clients, and looks for what it has done.</summary>
    private async Task RunAsync(string generator, string program, params string[] arguments)
    {
        var (_, orders, faults) = _running;
        await Command.RunAsync(
            program,
            arguments,
            TimeSpan.FromSeconds(60),
            new Dictionary<string, string>
            {
                ["ORDERS_URL"] = orders.BaseAddress!.ToString().TrimEnd('/'),
                ["FAULTS_URL"] = faults.BaseAddress!.ToString().TrimEnd('/'),
                ["FAULTS_USER"] = "olga:olga-secret",
            });

        using var order = await orders.GetAsync(new Uri($"/orders/{generator}-placed", UriKind.Relative));
        var entries = await faults.GetFromJsonAsync<AuditEntry[]>($"/faults/api/audit?subject={generator}-failed", JsonSerializerOptions.Web);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)order.StatusCode, Is.EqualTo(200));
            Assert.That(
                entries!.Select(entry => (entry.Who, entry.Event, entry.Reason)), Is.EqualTo([("olga", AuditEvent.Replay, $"replayed by {generator}")]));
        }
    }

    /// <summary>Starts both programs on RabbitMQ, as processes; or one program in memory, where there is no broker.</summary>
    private async Task<Running> StartProgramsAsync()
    {
        (string Name, string? Value)[] settings = [.. Basic.Users, .. FailingOrders.Settings, ("Documentation__SwaggerUI", "true")];
        if (!TestBrokers.IsGiven && ProgramBroker.FindScripts() is null)
        {
            var inMemory = _cleanup.Add(await OrderSystem.ServeAsync("Production", settings));
            return new Running(inMemory, inMemory.Http, ClientOf(inMemory.Http.BaseAddress!));
        }

        var system = _cleanup.Add(await OrderSystem.StartWithoutProgramsAsync(
            new TransportUnderTest(TestBrokers.IsGiven ? BrokerKind.Given : BrokerKind.Program, QueueType.Quorum)));
        var faults = await StartAsync(typeof(WorkerOptions));
        return new Running(system, await StartAsync(typeof(MessagePublisher)), faults);

        async Task<HttpClient> StartAsync(Type partOfIt)
        {
            var url = $"http://127.0.0.1:{Ports.Free(1)[0]}";
            _cleanup.Add(await system.StartProcessAsync(partOfIt.Assembly.Location, null, [.. settings, ("ASPNETCORE_URLS", url)]));
            var http = ClientOf(new Uri(url));
            await Eventually.GetAsync(
                $"{partOfIt.Assembly.GetName().Name} is ready",
                async cancellationToken => await http.GetStringAsync("/health/ready", cancellationToken),
                _ => true,
                TimeSpan.FromSeconds(60));
            return http;
        }

        HttpClient ClientOf(Uri address) =>
            _cleanup.Add(new HttpClient { BaseAddress = address, DefaultRequestHeaders = { Authorization = Basic.Of("rita") } });
    }

    /// <returns>The folder of the compiled program.</returns>
    private static async Task<string> CompileCSharpAsync(string folder, Task documents)
    {
        Copy("CSharp", folder);
        File.Copy(Path.Combine(Repository.Root, "Directory.Packages.props"), Path.Combine(folder, "Directory.Packages.props"));
        await ProvideAsync("NSwag, Kiota and their packages", () => Task.WhenAll(DotnetAsync("tool", "restore"), DotnetAsync("restore", "--locked-mode")));

        await documents;
        await Task.WhenAll(Documents.Select(async document =>
        {
            var (file, name) = (Path.Combine("..", $"{document}.json"), document == "orders" ? "Orders" : "Faults");
            await DotnetAsync(
                "nswag", "openapi2csclient", $"/input:{file}", $"/output:generated/NSwag/{name}.cs", "/classname:Client", $"/namespace:Generated.NSwag.{name}",
                "/JsonLibrary:SystemTextJson", "/GenerateNullableReferenceTypes:true");
            await DotnetAsync(
                "kiota", "generate", "--language", "CSharp", "--openapi", file, "--output", $"generated/Kiota/{name}", "--class-name", "Client", "--namespace-name", $"Generated.Kiota.{name}");
        }));
        await DotnetAsync("build", "--no-restore", "--output", "compiled", "--verbosity", "quiet");
        return Path.Combine(folder, "compiled");

        Task DotnetAsync(params string[] arguments) => Command.RunAsync(
            RealProgram.Runtime,
            arguments,
            Patience,
            // Else Kiota asks for a newer one of itself.
            new Dictionary<string, string> { ["KIOTA_OFFLINE_ENABLED"] = "true", ["KIOTA_TUTORIAL_ENABLED"] = "false" },
            folder);
    }

    /// <returns>The folder of the compiled programs.</returns>
    private static async Task<string> CompileTypeScriptAsync(string folder, Task documents)
    {
        if (Needs.FindProgram("node") is null || Needs.FindProgram("npm") is not { } npm)
        {
            Needs.Missing("No node and npm on the PATH: apt-get install nodejs npm.");
            return "";
        }

        Copy("TypeScript", folder);
        await ProvideAsync("openapi-typescript and hey-api", () => Command.RunAsync(npm, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], Patience, folder: folder));

        await documents;
        await Task.WhenAll(Documents.Select(async document =>
        {
            var file = Path.Combine("..", $"{document}.json");
            await NodeAsync("openapi-typescript", file, "--output", $"generated/openapi-typescript/{document}.ts");
            await NodeAsync("openapi-ts", "--input", file, "--output", $"generated/hey-api/{document}");
        }));
        await NodeAsync("tsc");
        return Path.Combine(folder, "compiled");

        Task NodeAsync(string program, params string[] arguments) =>
            Command.RunAsync(Path.Combine(folder, "node_modules", ".bin", program), arguments, Patience, folder: folder);
    }

    private static void Copy(string language, string folder)
    {
        foreach (var file in Directory.GetFiles(Path.Combine(Repository.Root, "Orders.Tests", "GeneratedClients", language)))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }
    }

    /// <summary>Fetches what is on no machine; without a registry, the test is skipped.</summary>
    private static async Task ProvideAsync(string what, Func<Task> fetch)
    {
        try
        {
            await fetch();
        }
        catch (CommandException exception)
        {
            // The rest is what the tool says of itself.
            var why = exception.Message.ReplaceLineEndings(" ");
            Needs.Missing($"{what} cannot be had: {why[..Math.Min(why.Length, 300)]}");
        }
    }

    /// <summary>The programs, and clients of each.</summary>
    private sealed record Running(OrderSystem System, HttpClient Orders, HttpClient Faults);

    /// <summary>The folders of what uses the generated clients, once it is compiled.</summary>
    private sealed record Compiling(Task<string> CSharp, Task<string> TypeScript);
}
