using System.Net;
using Orders.Testing.Machine;

namespace Orders.Testing.Network;

/// <summary>A web address of somebody else, which keeps all that it is told.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Lock _lock = new();
    private readonly List<ReceivedWebhook> _received = [];

    private WebhookReceiver(WebApplication app) => _app = app;

    /// <summary>The part of the address that nobody else may learn.</summary>
    public const string SecretPath = "T0SECRET/B0SECRET/xyzzy";

    public string Url => $"{_app.Urls.Single()}/services/{SecretPath}";

    /// <summary>What it answers to the n-th request, counted from 0; by default 200 to all.</summary>
    public Func<int, HttpStatusCode> Answer { get; set; } = _ => HttpStatusCode.OK;

    /// <summary>Holds back every answer until it has ended, where a test sets one.</summary>
    public Task Delay { get; set; } = Task.CompletedTask;

    public IReadOnlyList<ReceivedWebhook> Received
    {
        get
        {
            lock (_lock)
            {
                return [.. _received];
            }
        }
    }

    public static async Task<WebhookReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var receiver = new WebhookReceiver(app);
        app.Run(receiver.ReceiveAsync);
        await app.StartAsync();
        return receiver;
    }

    /// <summary>Waits until so many requests have come.</summary>
    public Task<IReadOnlyList<ReceivedWebhook>> WaitForAsync(int count) => Eventually.GetAsync(
        $"{count} requests", _ => Task.FromResult(Received), received => received.Count >= count, TimeSpan.FromSeconds(30));

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task ReceiveAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body);
        var webhook = new ReceivedWebhook(
            http.Request.Method,
            http.Request.Path,
            http.Request.ContentType,
            http.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            await reader.ReadToEndAsync());
        int number;
        lock (_lock)
        {
            number = _received.Count;
            _received.Add(webhook);
        }

        await Delay.WaitAsync(http.RequestAborted);
        var status = Answer(number);
        http.Response.StatusCode = (int)status;
        if (status == HttpStatusCode.Redirect)
        {
            http.Response.Headers.Location = "/elsewhere";
        }
    }
}

/// <summary>A request as it came.</summary>
internal sealed record ReceivedWebhook(string Method, string Path, string? ContentType, IReadOnlyDictionary<string, string> Headers, string Body)
{
    public string Id => Headers["webhook-id"];
}
