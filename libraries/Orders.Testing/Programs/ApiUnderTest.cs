using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Contracts;
using MassTransit;
using Microsoft.AspNetCore.Mvc.Testing;
using Orders.Api.Publishing;
using Orders.Email;

namespace Orders.Testing.Programs;

/// <summary>The API on a real Kestrel, for only that keeps the limits on bodies, with what it put on the bus.</summary>
internal sealed class ApiUnderTest : IAsyncDisposable
{
    private readonly WebApplicationFactory<MessagePublisher> _program;
    private readonly PublishedOrders _published = new();

    private ApiUnderTest(string environment, Action<IServiceCollection>? services, (string Name, string? Value)[] settings)
    {
        _program = new WebApplicationFactory<MessagePublisher>().WithWebHostBuilder(host =>
        {
            host.UseEnvironment(environment);
            host.UseUrls("http://127.0.0.1:0");
            foreach (var (name, value) in settings.Prepend(("RateLimit__PermitsPerSecond", "0")))
            {
                host.UseSetting(name.Replace("__", ":", StringComparison.Ordinal), value);
            }

            host.ConfigureServices(collection =>
            {
                collection.AddSingleton<IEmailSender, NowhereSender>();
                services?.Invoke(collection);
            });
        });
        _program.UseKestrel();
        _program.StartServer();
        _program.Services.GetRequiredService<IBus>().ConnectPublishObserver(_published);
        Http = _program.CreateClient();
    }

    public HttpClient Http { get; }

    public IServiceProvider Services => _program.Services;

    /// <summary>The orders on the bus since this was asked last.</summary>
    public IReadOnlyList<OrderPlaced> TakePublished() => Take(_published.Orders);

    /// <summary>The shipments on the bus since this was asked last.</summary>
    public IReadOnlyList<OrderShipped> TakeShipments() => Take(_published.Shipments);

    private static List<T> Take<T>(ConcurrentQueue<T> queue)
    {
        var taken = new List<T>();
        while (queue.TryDequeue(out var message))
        {
            taken.Add(message);
        }

        return taken;
    }

    // MassTransit keeps its logger in the execution context: in a test's own it would outlive the program.
    public static Task<ApiUnderTest> StartAsync(string environment = "Production", Action<IServiceCollection>? services = null, params (string Name, string? Value)[] settings) =>
        Task.Run(() => new ApiUnderTest(environment, services, settings));

    /// <summary>Posts a body, declared as JSON unless said otherwise.</summary>
    public Task<Answer> PostAsync(string body, string path = "/orders", string? contentType = "application/json") =>
        PostAsync(Encoding.UTF8.GetBytes(body), path, contentType);

    public async Task<Answer> PostAsync(byte[] body, string path = "/orders", string? contentType = "application/json")
    {
        var content = new ByteArrayContent(body);
        if (contentType is not null)
        {
            content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        return await SendAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = content });
    }

    public async Task<Answer> SendAsync(HttpRequestMessage request)
    {
        using (request)
        {
            using var response = await Http.SendAsync(request);
            return new Answer((int)response.StatusCode, response.Headers, response.Content.Headers, await response.Content.ReadAsStringAsync());
        }
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _program.DisposeAsync();
    }

    /// <summary>What the API answered.</summary>
    public sealed record Answer(int Status, HttpResponseHeaders Headers, HttpContentHeaders ContentHeaders, string Body)
    {
        public JsonNode Json => JsonNode.Parse(Body)!;

        /// <summary>The names of the fields that are wrong.</summary>
        public IEnumerable<string> WrongFields => (Json["errors"] as JsonObject ?? []).Select(error => error.Key);

        public string? Title => (string?)Json["title"];

        public string? Detail => (string?)Json["detail"];
    }

    private sealed class PublishedOrders : IPublishObserver
    {
        public ConcurrentQueue<OrderPlaced> Orders { get; } = new();

        public ConcurrentQueue<OrderShipped> Shipments { get; } = new();

        public Task PrePublish<T>(PublishContext<T> context)
            where T : class
        {
            if (context.Message is OrderPlaced order)
            {
                Orders.Enqueue(order);
            }
            else if (context.Message is OrderShipped shipment)
            {
                Shipments.Enqueue(shipment);
            }

            return Task.CompletedTask;
        }

        public Task PostPublish<T>(PublishContext<T> context)
            where T : class => Task.CompletedTask;

        public Task PublishFault<T>(PublishContext<T> context, Exception exception)
            where T : class => Task.CompletedTask;
    }

    private sealed class NowhereSender : IEmailSender
    {
        public Task<SentEmail> SendAsync(EmailMessage email, CancellationToken cancellationToken) => Task.FromResult(new SentEmail(email.MessageId));
    }
}
