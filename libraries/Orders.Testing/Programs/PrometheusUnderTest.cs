using System.Text.Json;
using Orders.Testing.Machine;
using Orders.Testing.Network;

namespace Orders.Testing.Programs;

/// <summary>
/// A real Prometheus with the deployment's configuration, but that it fetches the programs' metrics from this process
/// (not every build of it takes OTLP), and everything every second.
/// </summary>
internal sealed class PrometheusUnderTest : IAsyncDisposable
{
    /// <summary>As in compose.yaml.</summary>
    public const string Image = "prom/prometheus:v3.5.3";

    private static readonly TimeSpan CommandTime = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly string _name = $"orders-tests-prometheus-{Guid.NewGuid():N}";
    // Not a temporary subdirectory, which only this user could read: the server in the container is another one.
    private readonly string _folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"orders-tests-prometheus-{Guid.NewGuid():N}")).FullName;
    private readonly HttpClient _http;

    private PrometheusUnderTest(int port) => _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };

    /// <param name="programs">The port of this machine where the programs' metrics are.</param>
    /// <param name="broker">That of RabbitMQ's.</param>
    public static async Task<PrometheusUnderTest> StartAsync(int programs, int broker)
    {
        await ContainerEngine.RequireImageAsync(Image);
        var port = Ports.Free(1)[0];
        var prometheus = new PrometheusUnderTest(port);
        await prometheus.ConfigureAsync(programs, broker);
        await ContainerEngine.RunAsync(
            [
                "run", "--detach", "--name", prometheus._name, "--network", "host", "--volume", $"{prometheus._folder}:/etc/prometheus:ro", Image,
                "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus", $"--web.listen-address=127.0.0.1:{port}",
            ],
            CommandTime);
        return prometheus;
    }

    /// <summary>Asks again and again, until a query finds something.</summary>
    public Task<string[]> WaitForAsync(string query) => Eventually.GetAsync(query, _ => QueryAsync(query), values => values.Length > 0, Patience);

    /// <summary>Asks again and again, until a query finds nothing.</summary>
    public Task<string[]> WaitForNoneAsync(string query) => Eventually.GetAsync($"nothing of {query}", _ => QueryAsync(query), values => values.Length == 0, Patience);

    /// <summary>The values of an instant query, without those that are no number.</summary>
    public async Task<string[]> QueryAsync(string query) =>
    [
        .. (await GetAsync($"/api/v1/query?query={Uri.EscapeDataString(query)}")).GetProperty("result").EnumerateArray()
            .Select(result => result.GetProperty("value")[1].GetString()!)
            .Where(value => value != "NaN"),
    ];

    /// <summary>The data of an answer of Prometheus' API.</summary>
    public async Task<JsonElement> GetAsync(string address) => (await _http.GetFromJsonAsync<JsonElement>(address)).GetProperty("data");

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await ContainerEngine.RunAsync(["rm", "--force", "--volumes", _name], CommandTime);
        Directory.Delete(_folder, recursive: true);
    }

    private async Task ConfigureAsync(int programs, int broker)
    {
        var deployed = Path.Combine(Repository.Root, "deploy", "prometheus");
        File.Copy(Path.Combine(deployed, "orders.rules.yml"), Path.Combine(_folder, "orders.rules.yml"));
        var configuration = (await File.ReadAllTextAsync(Path.Combine(deployed, "prometheus.yml")))
            .Replace("interval: 15s", "interval: 1s", StringComparison.Ordinal)
            .Replace("rabbitmq:15692", $"127.0.0.1:{broker}", StringComparison.Ordinal)
            .Replace(
                "scrape_configs:\n",
                $"""
                scrape_configs:
                  - job_name: orders-api
                    static_configs:
                      - targets: [127.0.0.1:{programs}]


                """.ReplaceLineEndings("\n"),
                StringComparison.Ordinal);
        await File.WriteAllTextAsync(Path.Combine(_folder, "prometheus.yml"), configuration);
    }
}
