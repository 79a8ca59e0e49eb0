using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Orders.Tests.Machine;

namespace Orders.Tests.Deployment;

/// <summary>
/// The deployment as the compose files say it, beside whatever else runs here: other ports, another project name. It is
/// taken down, volumes and all, when it is disposed of.
/// </summary>
internal sealed class Deployment : IAsyncDisposable
{
    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan CommandTime = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan DeliveryTime = TimeSpan.FromMinutes(2);

    private readonly string _project = $"orders-test-{Guid.NewGuid():N}"[..20];
    private readonly string[] _files;
    private readonly Dictionary<string, string> _environment;

    private Deployment(string[] files, Dictionary<string, string> environment)
    {
        _files = files;
        _environment = environment;
        Api = Client("API_PORT");
        Mailpit = Client("MAILPIT_PORT");
        Faults = Client("FAULTS_PORT", "operator:operator");
        RabbitMq = Client("RABBITMQ_MANAGEMENT_PORT", "orders:orders");
        Prometheus = Client("PROMETHEUS_PORT");
    }

    public HttpClient Api { get; }

    public HttpClient Mailpit { get; }

    /// <summary>To the fault queues, signed in as the user of the deployment's defaults.</summary>
    public HttpClient Faults { get; }

    /// <summary>To the broker's management API, signed in as its administrator.</summary>
    public HttpClient RabbitMq { get; }

    public HttpClient Prometheus { get; }

    /// <summary>Builds the images and starts services, until all are healthy.</summary>
    /// <param name="files">The compose files.</param>
    /// <param name="settings">Variables of theirs.</param>
    /// <param name="services">Those to start; where none is named, all that belong to no profile.</param>
    public static async Task<Deployment> StartAsync(
        string[] files, IReadOnlyDictionary<string, string> settings, params IEnumerable<string> services)
    {
        await ContainerEngine.RequireAsync();
        var names = new[] { "API_PORT", "MAILPIT_PORT", "RABBITMQ_MANAGEMENT_PORT", "FAULTS_PORT", "PROMETHEUS_PORT" };
        var ports = names.Zip(Ports.Free(names.Length), (name, port) => KeyValuePair.Create(name, port.ToString(CultureInfo.InvariantCulture)));
        var deployment = new Deployment(files, new(settings.Concat(ports)));
        try
        {
            await deployment.ComposeAsync(StartTime, ["up", "--build", "--wait", "--quiet-pull", .. services]);
        }
        catch
        {
            await deployment.TellAsync();
            await deployment.DisposeAsync();
            throw;
        }

        return deployment;
    }

    /// <summary>Writes the last lines of every container's log, for a failure that only they explain.</summary>
    public async Task TellAsync() => await TestContext.Progress.WriteLineAsync(await ComposeAsync("logs", "--no-color", "--tail", "60"));

    /// <summary>Runs <c>docker compose</c> for this deployment.</summary>
    public Task<string> ComposeAsync(params IEnumerable<string> arguments) => ComposeAsync(CommandTime, arguments);

    /// <summary>Places an order and expects it to be accepted.</summary>
    /// <returns>The customer's address, which no other order has.</returns>
    public async Task<string> PlaceOrderAsync()
    {
        var orderId = Guid.NewGuid().ToString("N");
        var email = $"{orderId}@customer.example";
        using var response = await Api.PostAsJsonAsync("/orders", new { orderId, email, product = "Laptop" });
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Accepted), await response.Content.ReadAsStringAsync());
        return email;
    }

    /// <summary>Puts a message straight into a queue, as the broker's administrator.</summary>
    public async Task PublishAsync(string queue, string body)
    {
        using var response = await RabbitMq.PostAsJsonAsync(
            "/api/exchanges/%2F/amq.default/publish",
            new { routing_key = queue, payload = body, payload_encoding = "string", properties = new { delivery_mode = 2 } });
        Assert.That(await response.Content.ReadAsStringAsync(), Is.EqualTo("""{"routed":true}"""));
    }

    /// <summary>Waits until Mailpit has one email to an address.</summary>
    public async Task WaitForEmailAsync(string address) => await Eventually.GetAsync(
        $"one email to {address}",
        async cancellationToken =>
        {
            var found = await Mailpit.GetFromJsonAsync<JsonElement>($"/api/v1/search?query=to:{address}", cancellationToken);
            return found.GetProperty("messages_count").GetInt32();
        },
        count => count == 1,
        DeliveryTime);

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        Mailpit.Dispose();
        Faults.Dispose();
        RabbitMq.Dispose();
        Prometheus.Dispose();
        await ComposeAsync("down", "--volumes", "--timeout", "5");
    }

    private Task<string> ComposeAsync(TimeSpan within, IEnumerable<string> arguments) => ContainerEngine.RunAsync(
        ["compose", "--project-name", _project, .. _files.SelectMany(file => new[] { "--file", file }), .. arguments], within, _environment, Repository.Root);

    private HttpClient Client(string port, string? credentials = null)
    {
        var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{_environment[port]}") };
        if (credentials is not null)
        {
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials)));
        }

        return client;
    }
}
