using System.Collections.Concurrent;
using System.Text;
using Orders.Testing.Machine;

namespace Orders.Testing.Network;

/// <summary>Takes what programs export by OTLP over HTTP, as bytes.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<(string Signal, string Text)> _received = new();

    private OtlpReceiver()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.MapPost("/v1/{signal}", async (string signal, HttpRequest request) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            // Texts stand in protocol buffers as they are; each byte becomes one character.
            _received.Enqueue((signal, Encoding.Latin1.GetString(body.ToArray())));
        });
    }

    public string Url => _app.Urls.Single();

    public static async Task<OtlpReceiver> StartAsync()
    {
        var receiver = new OtlpReceiver();
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <summary>All that came of a signal: <c>traces</c>, <c>metrics</c> or <c>logs</c>.</summary>
    public string Of(string signal) => string.Concat(_received.Where(received => received.Signal == signal).Select(received => received.Text));

    /// <summary>Waits until all these texts have come with a signal.</summary>
    public async Task WaitForAsync(string signal, params string[] texts)
    {
        foreach (var text in texts)
        {
            await Eventually.GetAsync(
                $"{text} among the {signal}", _ => Task.FromResult(Of(signal).Contains(text, StringComparison.Ordinal)), found => found, TimeSpan.FromSeconds(30));
        }
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
