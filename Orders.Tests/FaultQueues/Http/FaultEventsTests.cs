using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Orders.FaultQueues.Http;
using Orders.FaultQueues.Live;
using Orders.Tests.EndToEnd;

namespace Orders.Tests.FaultQueues.Http;

/// <summary>The news of the fault queues, as a browser listens to them.</summary>
internal sealed class FaultEventsTests : OrderSystemTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Test]
    public async Task Counts_are_told_at_once_and_when_they_change_and_operations_as_they_go_on()
    {
        TheSystem = await OrderSystem.ServeAsync("Production", [.. Basic.Users, .. FailingOrders.Settings]);
        await TheSystem.FailAsync("before");
        using var response = await ListenAsync("rita");
        await using var events = await EventsOfAsync(response);

        var first = await NextAsync(events, "counts");
        await TheSystem.FailAsync("after");
        var second = await NextAsync(events, "counts");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/faults/api/order-confirmation/error/park")
        {
            Content = new StringContent("""{"all":true,"reason":"x"}""", new MediaTypeHeaderValue("application/json")),
        };
        request.Headers.Authorization = Basic.Of("olga");
        using var began = await TheSystem.Http.SendAsync(request);
        var progress = await NextAsync(events, "progress");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(response.Content.Headers.ContentType?.MediaType, Is.EqualTo("text/event-stream"));
            Assert.That(first, Does.StartWith("""{"endpoints":[{"endpoint":"order-confirmation","error":1,"parked":0},""").And.Contain("""{"endpoint":"order-shipped","error":0,"parked":0}""").And.EndWith(""","error":1,"parked":0}"""));
            Assert.That(second, Does.StartWith("""{"endpoints":[{"endpoint":"order-confirmation","error":2,"parked":0},""").And.EndWith(""","error":2,"parked":0}"""));
            Assert.That((string?)JsonNode.Parse(progress)!["who"], Is.EqualTo("olga"));
            Assert.That((string?)JsonNode.Parse(progress)!["request"]!["action"], Is.EqualTo("park"));
        }
    }

    [Test]
    public async Task Who_listens_does_not_keep_the_program_from_stopping()
    {
        TheSystem = await OrderSystem.ServeAsync("Production", Basic.Users);
        using var response = await ListenAsync("rita");
        await using var events = await EventsOfAsync(response);
        await NextAsync(events, "counts");

        // Kestrel alone would wait for half a minute.
        TheSystem.Worker.GetRequiredService<IHostApplicationLifetime>().StopApplication();

        Assert.That(await events.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(5)), Is.False);
    }

    [Test]
    public async Task When_there_is_nothing_to_say_that_is_said()
    {
        var clock = new TestClock(DateTimeOffset.UnixEpoch);
        var lifetime = new ApplicationLifetime(NullLogger<ApplicationLifetime>.Instance);
        await using var events = FaultEvents.ReadAsync(new FaultFeed(), clock, lifetime, CancellationToken.None).GetAsyncEnumerator();

        var next = events.MoveNextAsync().AsTask();
        await clock.HasTimer.WaitAsync(Patience);
        clock.Tick();

        Assert.That(await next.WaitAsync(Patience));
        Assert.That(events.Current.EventType, Is.EqualTo("heartbeat"));
    }

    private async Task<HttpResponseMessage> ListenAsync(string user)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/faults/api/events");
        request.Headers.Authorization = Basic.Of(user);
        return await TheSystem.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).WaitAsync(Patience);
    }

    private static async Task<IAsyncEnumerator<SseItem<string>>> EventsOfAsync(HttpResponseMessage response) =>
        SseParser.Create(await response.Content.ReadAsStreamAsync()).EnumerateAsync().GetAsyncEnumerator();

    private static async Task<string> NextAsync(IAsyncEnumerator<SseItem<string>> events, string type)
    {
        while (await events.MoveNextAsync().AsTask().WaitAsync(Patience))
        {
            if (events.Current.EventType == type)
            {
                return events.Current.Data;
            }
        }

        throw new AssertionException($"The stream ended before {type}.");
    }
}
