using System.Net;
using System.Text.Json;
using Orders.Testing.Machine;
using Orders.Testing.Network;

namespace Orders.Testing.Programs;

/// <summary>A deployment of the tests' own, beside whatever else runs here: other ports, another name.</summary>
/// <param name="files">The compose files, as their names in the repository.</param>
internal sealed class ComposeProject(params string[] files) : IAsyncDisposable
{
    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan CommandTime = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan DeliveryTime = TimeSpan.FromMinutes(2);

    private readonly string _name = $"orders-test-{Guid.NewGuid():N}"[..20];
    private readonly Dictionary<string, string> _environment = [];
    private bool _started;

    /// <summary>Gives a service a free port of this machine.</summary>
    /// <param name="variable">The variable of the compose file that has the port.</param>
    /// <returns>Where the service will answer.</returns>
    public Uri Publish(string variable)
    {
        var port = $"{Ports.Free(1)[0]}";
        Set(variable, port);
        return new Uri($"http://127.0.0.1:{port}");
    }

    /// <summary>Places an order with the deployment's API, and expects it to be accepted.</summary>
    /// <returns>The customer's address, which no other order has.</returns>
    public static async Task<string> PlaceOrderAsync(HttpClient api)
    {
        var orderId = Guid.NewGuid().ToString("N");
        var email = $"{orderId}@customer.example";
        using var response = await api.PostAsJsonAsync("/orders", new { orderId, email, product = "Laptop" });
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Accepted), await response.Content.ReadAsStringAsync());
        return email;
    }

    /// <summary>Waits until Mailpit has one email to an address, and returns what it says of it.</summary>
    public static async Task<JsonElement> WaitForEmailAsync(HttpClient mailpit, string address) => (await Eventually.GetAsync(
        $"one email to {address}",
        async cancellationToken => await mailpit.GetFromJsonAsync<JsonElement>($"/api/v1/search?query=to:{address}", cancellationToken),
        emails => emails.GetProperty("messages_count").GetInt32() == 1,
        DeliveryTime)).GetProperty("messages")[0];

    /// <summary>Gives a variable of the compose file a value.</summary>
    public void Set(string variable, string value) => _environment[variable] = value;

    /// <summary>Builds the images, and starts all services; returns when they are healthy.</summary>
    public async Task StartAsync()
    {
        _started = true;
        await RunAsync(StartTime, "up", "--build", "--wait", "--quiet-pull");
    }

    /// <summary>Runs <c>docker compose</c> with these arguments and returns what it wrote.</summary>
    public Task<string> RunAsync(params IEnumerable<string> arguments) => RunAsync(CommandTime, arguments);

    /// <summary>Runs a command within a service and returns what it wrote.</summary>
    /// <param name="service">The service.</param>
    /// <param name="user">Who runs it, as a number.</param>
    /// <param name="command">The command and its arguments.</param>
    public Task<string> ExecAsync(string service, int user, params IEnumerable<string> command) =>
        RunAsync(["exec", "--no-TTY", "--user", $"{user}", service, .. command]);

    /// <summary>Ends it, and leaves nothing behind; what it logged last is shown where a test has failed.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_started)
        {
            return;
        }

        try
        {
            if (TestContext.CurrentContext.Result.FailCount > 0)
            {
                await TestContext.Progress.WriteLineAsync(await RunAsync("logs", "--no-color", "--tail", "60"));
            }
        }
        finally
        {
            await RunAsync("down", "--volumes", "--timeout", "5");
        }
    }

    private Task<string> RunAsync(TimeSpan within, params IEnumerable<string> arguments) => ContainerEngine.RunAsync(
        ["compose", "--project-name", _name, .. files.SelectMany(file => new[] { "--file", file }), .. arguments], within, _environment, Repository.Root);
}
