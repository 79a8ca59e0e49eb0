using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Notifications.Worker;
using Orders.FaultQueues.Queues;
using Orders.Messaging;
using Orders.Tests.EndToEnd;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace Orders.Tests.FaultQueues.Http;

/// <summary>What callers are told who can do nothing about it.</summary>
internal sealed class FaultFailuresTests : OrderSystemTests
{
    private const string Secret = "the insides";

    private static readonly ShutdownEventArgs Shutdown = new(ShutdownInitiator.Peer, 541, Secret);

    private static IEnumerable<TestCaseData> Failures =>
    [
        new TestCaseData(new FaultQueueBusyException("q"), 503, "The queue is busy").SetArgDisplayNames("busy"),
        new TestCaseData(new BrokerUnreachableException(new IOException(Secret)), 503, "The broker does not answer").SetArgDisplayNames("unreachable"),
        new TestCaseData(new AlreadyClosedException(Shutdown), 503, "The broker does not answer").SetArgDisplayNames("closed"),
        new TestCaseData(new OperationInterruptedException(Shutdown), 503, "The broker does not answer").SetArgDisplayNames("interrupted"),
        new TestCaseData(new TimeoutException(Secret), 503, "The broker does not answer").SetArgDisplayNames("too slow"),
        new TestCaseData(new OperationCanceledException(Secret), 503, "The broker does not answer").SetArgDisplayNames("given up"),
        new TestCaseData(new RepublishRefusedException("q", "too large", RepublishRefusal.Message), 422, "The broker does not take the message").SetArgDisplayNames("refused"),
        new TestCaseData(new RepublishRefusedException("q", "full", RepublishRefusal.NotNow), 503, "The broker does not take the message").SetArgDisplayNames("refused for now"),
        new TestCaseData(new InvalidOperationException(Secret), 500, null).SetArgDisplayNames("a mistake of ours"),
    ];

    [TestCaseSource(nameof(Failures))]
    public async Task A_failure_is_told_without_its_insides(Exception failure, int status, string? title)
    {
        TheSystem = await OrderSystem.StartAsync(
            TransportUnderTest.InMemory, services => services.AddSingleton<IFaultTransport>(new BrokenTransport(failure)), Basic.Users);

        foreach (var path in new[] { "", "/order-confirmation/error", "/order-confirmation/parked/groups", "/order-confirmation/error/0123", "/events" })
        {
            using var answer = await SendAsync(TheSystem.Http, $"/faults/api{path}");
            await ExpectAsync(answer, status, title);
        }
    }

    [Test]
    public async Task A_worker_whose_broker_is_away_says_so_and_keeps_its_document()
    {
        await using var worker = new WebApplicationFactory<WorkerOptions>().WithWebHostBuilder(host =>
        {
            foreach (var (name, value) in Basic.Users.Concat(
            [
                ("Messaging__Transport", "RabbitMq"),
                ("RabbitMq__Host", "127.0.0.1"),
                ("RabbitMq__Port", $"{Ports.Free(1)[0]}"),
                ("RabbitMq__Username", "orders"),
                ("RabbitMq__Password", "orders"),
                ("Documentation__SwaggerUI", "true"),
            ]))
            {
                host.UseSetting(name.Replace("__", ":", StringComparison.Ordinal), value);
            }

            host.UseEnvironment("Production");
        });
        using var http = worker.CreateClient();

        using var api = await SendAsync(http, "/faults/api");
        using var notFound = await SendAsync(http, "/faults/api/nowhere");
        using var page = await SendAsync(http, "/swagger/index.html");
        using var document = await SendAsync(http, "/openapi/faults.json");
        using var health = await SendAsync(http, "/health/live");

        await ExpectAsync(api, 503, "The broker does not answer");
        await ExpectAsync(notFound, 404, "Not Found");
        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)page.StatusCode, Is.EqualTo(200));
            Assert.That((int)document.StatusCode, Is.EqualTo(200));
            Assert.That((int)health.StatusCode, Is.EqualTo(200));
        }
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient http, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = Basic.Of("rita");
        return await http.SendAsync(request);
    }

    private static async Task ExpectAsync(HttpResponseMessage answer, int status, string? title)
    {
        var body = await answer.Content.ReadAsStringAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)answer.StatusCode, Is.EqualTo(status), body);
            Assert.That(answer.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/problem+json"));
            Assert.That(title is null || (string?)JsonNode.Parse(body)!["title"] == title, body);
            Assert.That(answer.Headers.RetryAfter?.Delta, Is.EqualTo(status == 503 ? TimeSpan.FromSeconds(1) : null));
            Assert.That(body, Does.Not.Contain(Secret).And.Not.Contain("   at ").And.Not.Contain("Exception"));
        }
    }

    private sealed class BrokenTransport(Exception failure) : IFaultTransport
    {
        public Task<long> CountAsync(string queue, CancellationToken cancellationToken) => Task.FromException<long>(failure);

        public Task<IFaultSession?> OpenAsync(string queue, CancellationToken cancellationToken) => Task.FromException<IFaultSession?>(failure);
    }
}
