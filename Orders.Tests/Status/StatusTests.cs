using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Contracts;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orders.Api.OrderStore;
using Orders.Tests.Api;

namespace Orders.Tests.Status;

/// <summary>What is told of an order, and what happens while nobody can look it up.</summary>
internal sealed class StatusTests
{
    private const string Laptop = """{"orderId":"12345","email":"customer@example.com","product":"Laptop"}""";
    private const string LaptopWithoutId = """{"email":"customer@example.com","product":"Laptop"}""";

    private static readonly DateTimeOffset Noon = new(2026, 11, 26, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Test]
    public async Task Without_an_order_store_nobody_remembers_and_says_so()
    {
        await using var api = await ApiUnderTest.StartAsync(settings: ("Ledger__Store", "None"));
        await api.PostAsync(Laptop);
        api.TakePublished();

        foreach (var path in new[] { "/orders/12345", "/orders/12345/events" })
        {
            var answer = await GetAsync(api, path);
            api.Expect(answer, 404);
            Assert.That(answer.Detail, Does.Contain("Ledger__Store"));
        }
    }

    [Test]
    public async Task Everything_that_is_known_is_told_and_nothing_of_the_customer()
    {
        await using var api = await ApiUnderTest.StartAsync();
        await api.Services.GetRequiredService<IOrderStore>().RecordAcceptedAsync(NotificationKey.Confirmation("1"), new StoredContent("content", "customer"), Noon);
        var bus = api.Services.GetRequiredService<IBus>();

        await bus.Publish(new OrderConfirmationRetrying("1", 2, Noon.AddSeconds(7), "451 4.3.0 customer@example.com: no room", Noon.AddSeconds(2)));
        var retrying = await WaitForAsync(api, "1", "retrying");
        await bus.Publish(new OrderConfirmationFailed("1", "<customer@example.com> has no mailbox", Noon.AddSeconds(9)));
        var failed = await WaitForAsync(api, "1", "failed");
        await bus.Publish(new OrderConfirmationSent("1", "<order-confirmation-1@shop.example>", Noon.AddSeconds(10)));
        var confirmed = await WaitForAsync(api, "1", "confirmed");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(retrying.Body, Is.EqualTo(
                """{"orderId":"1","status":"retrying","placedAt":"2026-11-26T12:00:00+00:00","attempts":2,"nextAttemptAt":"2026-11-26T12:00:07+00:00","confirmedAt":null,"messageId":null,"failedAt":null,"reason":"451 4.3.0 (address): no room","history":[{"status":"placed","at":"2026-11-26T12:00:00+00:00"},{"status":"retrying","at":"2026-11-26T12:00:02+00:00","attempts":2,"nextAttemptAt":"2026-11-26T12:00:07+00:00","reason":"451 4.3.0 (address): no room"}]}"""));
            Assert.That((string?)failed.Json["reason"], Is.EqualTo("<(address)> has no mailbox"));
            Assert.That((string?)failed.Json["failedAt"], Is.EqualTo("2026-11-26T12:00:09+00:00"));
            Assert.That((string?)confirmed.Json["messageId"], Is.EqualTo("<order-confirmation-1@shop.example>"));
            Assert.That((string?)confirmed.Json["confirmedAt"], Is.EqualTo("2026-11-26T12:00:10+00:00"));
            Assert.That((int?)confirmed.Json["attempts"], Is.EqualTo(2));
            Assert.That(confirmed.Json["reason"], Is.Null);
            Assert.That(confirmed.Json["history"]!.AsArray(), Has.Count.EqualTo(4));
        }
    }

    [Test]
    public async Task Further_notifications_are_told_without_any_code_of_their_own()
    {
        await using var api = await ApiUnderTest.StartAsync();
        await api.Services.GetRequiredService<IOrderStore>().RecordAcceptedAsync(
            NotificationKey.Confirmation("1"), new StoredContent("content", "customer"), Noon);
        var bus = api.Services.GetRequiredService<IBus>();

        await bus.Publish(new NotificationRetrying("order-delayed", "1", null, 1, Noon.AddSeconds(7), "451 4.3.0 customer@example.com: no room", Noon.AddSeconds(2)));
        await WaitForNotificationsAsync(api, "1", "retrying");
        await bus.Publish(new NotificationFailed("order-returned", "1", "R-7\r\n", "no mailbox", Noon.AddSeconds(3)));
        await WaitForNotificationsAsync(api, "1", "retrying failed");
        await bus.Publish(new NotificationSent("order-delayed", "1", "", "<order-delayed-1@shop.example>", Noon.AddSeconds(8)));
        var told = await WaitForNotificationsAsync(api, "1", "sent failed");

        Assert.That(told.Body, Is.EqualTo(
            """{"orderId":"1","status":"placed","placedAt":"2026-11-26T12:00:00+00:00","attempts":0,"nextAttemptAt":null,"confirmedAt":null,"messageId":null,"failedAt":null,"reason":null,"history":[{"status":"placed","at":"2026-11-26T12:00:00+00:00"}],"notifications":["""
            + """{"notification":"order-delayed","reference":null,"status":"sent","acceptedAt":null,"attempts":1,"nextAttemptAt":null,"sentAt":"2026-11-26T12:00:08+00:00","messageId":"<order-delayed-1@shop.example>","failedAt":null,"reason":null,"history":[{"status":"retrying","at":"2026-11-26T12:00:02+00:00","attempts":1,"nextAttemptAt":"2026-11-26T12:00:07+00:00","reason":"451 4.3.0 (address): no room"},{"status":"sent","at":"2026-11-26T12:00:08+00:00","messageId":"<order-delayed-1@shop.example>"}]},"""
            + """{"notification":"order-returned","reference":"R-7","status":"failed","acceptedAt":null,"attempts":0,"nextAttemptAt":null,"sentAt":null,"messageId":null,"failedAt":"2026-11-26T12:00:03+00:00","reason":"no mailbox","history":[{"status":"failed","at":"2026-11-26T12:00:03+00:00","reason":"no mailbox"}]}]}"""));
    }

    [Test]
    public async Task An_order_of_which_only_a_notification_is_known_has_no_status_and_can_still_be_placed()
    {
        await using var api = await ApiUnderTest.StartAsync();
        await api.Services.GetRequiredService<IBus>().Publish(new NotificationSent("order-shipped", "12345", "1Z999", "<order-shipped-12345@shop.example>", Noon));
        var heard = await Eventually.GetAsync("the shipment is told", _ => GetAsync(api, "/orders/12345"), answer => answer.Status == 200, Patience);

        var placed = await api.PostAsync(Laptop);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(heard.Body, Does.StartWith("""{"orderId":"12345","status":null,"placedAt":null,"attempts":0,"""));
            Assert.That(heard.Json["history"]!.AsArray(), Is.Empty);
            Assert.That(placed.Status, Is.EqualTo(202), placed.Body);
            Assert.That((string?)placed.Json["message"], Is.EqualTo("Order placed successfully!"));
            Assert.That(api.TakePublished().Select(order => order.OrderId), Is.EqualTo(["12345"]));
        }
    }

    [Test]
    public async Task Shipments_are_told_with_what_is_known_of_each()
    {
        await using var api = await ApiUnderTest.StartAsync();
        var accepted = await api.PostAsync(
            """{"email":"customer@example.com","trackingNumber":"1Z999","carrier":"Acorn Parcel","link":"https://parcel.example/1Z999"}""", "/orders/1/shipments");
        var acceptedAt = (string)accepted.Json["shipment"]!["shippedAt"]!;
        var bus = api.Services.GetRequiredService<IBus>();
        await bus.Publish(new NotificationFailed("order-shipped", "1", "1Z998", "no mailbox", Noon.AddSeconds(3)));

        var told = await Eventually.GetAsync(
            "both shipments are told, and one is sent",
            _ => GetAsync(api, "/orders/1"),
            answer => answer.Json["shipments"] is JsonArray { Count: 2 } shipments && (string?)shipments[0]!["status"] == "sent",
            Patience);
        var (sentAt, messageId) = ((string?)told.Json["shipments"]![0]!["sentAt"], (string?)told.Json["shipments"]![0]!["messageId"]);

        Assert.That(told.Json.ToJsonString(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }), Is.EqualTo(
            """{"orderId":"1","status":null,"placedAt":null,"attempts":0,"nextAttemptAt":null,"confirmedAt":null,"messageId":null,"failedAt":null,"reason":null,"history":[],"shipments":["""
            + $$"""{"trackingNumber":"1Z999","carrier":"Acorn Parcel","link":"https://parcel.example/1Z999","status":"sent","acceptedAt":"{{acceptedAt}}","attempts":0,"nextAttemptAt":null,"sentAt":"{{sentAt}}","messageId":"{{messageId}}","failedAt":null,"reason":null,"history":[{"status":"accepted","at":"{{acceptedAt}}"},{"status":"sent","at":"{{sentAt}}","messageId":"{{messageId}}"}]},"""
            + """{"trackingNumber":"1Z998","carrier":null,"link":null,"status":"failed","acceptedAt":null,"attempts":0,"nextAttemptAt":null,"sentAt":null,"messageId":null,"failedAt":"2026-11-26T12:00:03+00:00","reason":"no mailbox","history":[{"status":"failed","at":"2026-11-26T12:00:03+00:00","reason":"no mailbox"}]}]}"""));
    }

    [Test]
    public async Task A_stream_tells_the_changes_of_notifications_too()
    {
        await using var api = await ApiUnderTest.StartAsync();
        await api.Services.GetRequiredService<IOrderStore>().RecordAcceptedAsync(
            NotificationKey.Confirmation("1"), new StoredContent("content", "customer"), Noon);
        using var response = await api.Http.GetAsync(new Uri("/orders/1/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        using var timeout = new CancellationTokenSource(Patience);
        await using var events = SseParser.Create(await response.Content.ReadAsStreamAsync(timeout.Token)).EnumerateAsync(timeout.Token).GetAsyncEnumerator(timeout.Token);
        await events.MoveNextAsync();

        await api.Services.GetRequiredService<IBus>().Publish(new NotificationSent("order-shipped", "1", "1Z999", "<order-shipped-1@shop.example>", Noon), timeout.Token);
        await events.MoveNextAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(events.Current.EventType, Is.EqualTo("status"));
            Assert.That(events.Current.Data, Is.EqualTo((await GetAsync(api, "/orders/1")).Body).And.Contains("1Z999"));
        }
    }

    [Test]
    public async Task The_address_in_the_answer_leads_to_the_status()
    {
        await using var api = await ApiUnderTest.StartAsync();
        var placed = await api.PostAsync(LaptopWithoutId);

        var status = await GetAsync(api, placed.Headers.Location!.OriginalString);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(status.Status, Is.EqualTo(200));
            Assert.That((string?)status.Json["orderId"], Is.EqualTo((string?)placed.Json["order"]!["orderId"]));
            Assert.That((DateTimeOffset)status.Json["placedAt"]!, Is.EqualTo((DateTimeOffset)placed.Json["order"]!["placedAt"]!));
        }
    }

    [Test]
    public async Task While_the_order_store_is_away_nothing_is_placed_and_what_became_of_orders_waits()
    {
        await using var store = await ValkeyServer.StartNewAsync();
        await using var api = await StartAsync(store);
        await api.PostAsync(Laptop);
        api.TakePublished();
        await store.StopAsync();
        await api.Services.GetRequiredService<IBus>().Publish(new OrderConfirmationFailed("2", "no mailbox", Noon));

        var order = await api.PostAsync(Laptop);
        // It is known by now that nobody is there.
        var without = await api.PostAsync(LaptopWithoutId);
        var status = await GetAsync(api, "/orders/12345");
        var events = await GetAsync(api, "/orders/12345/events");

        foreach (var answer in new[] { order, without, status, events })
        {
            api.Expect(answer, 503);
            Assert.That(answer.Headers.RetryAfter?.Delta, Is.EqualTo(TimeSpan.FromSeconds(5)));
        }

        Assert.That((order.Title, without.Title), Is.EqualTo(("The order was not placed", "The order was not placed")));

        await store.StartAsync();
        await WaitForAsync(api, "2", "failed");
        Assert.That((await api.PostAsync(Laptop)).Json["status"], Is.Not.Null);
    }

    [Test]
    public async Task With_Ignore_orders_are_placed_while_the_order_store_is_away()
    {
        await using var store = await ValkeyServer.StartNewAsync();
        await using var api = await StartAsync(store, ("Ledger__WhenUnreachable", "Ignore"));
        await store.StopAsync();

        var answers = new[] { await api.PostAsync(Laptop), await api.PostAsync(Laptop), await api.PostAsync(LaptopWithoutId) };

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(202));
            Assert.That(api.TakePublished(), Has.Count.EqualTo(3));
        }
    }

    [Test]
    public async Task Streams_leave_connections_for_orders()
    {
        await using var api = await ApiUnderTest.StartAsync(settings: ("Http__MaxConnections", "20"));
        await api.PostAsync(Laptop);
        var open = new List<HttpResponseMessage>();
        try
        {
            for (var i = 0; i < 10; i++)
            {
                open.Add(await OpenAsync());
            }

            using (var refused = await OpenAsync())
            {
                Assert.That(open.Select(response => response.StatusCode), Is.All.EqualTo(HttpStatusCode.OK));
                Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.TooManyRequests));
            }

            open[0].Dispose();
            open.Add(await Eventually.GetAsync("a stream is free", _ => OpenAsync(), response => response.StatusCode == HttpStatusCode.OK, Patience));
        }
        finally
        {
            open.ForEach(response => response.Dispose());
        }

        Task<HttpResponseMessage> OpenAsync() => api.Http.GetAsync(new Uri("/orders/12345/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
    }

    [Test]
    public async Task Streams_end_with_the_program()
    {
        await using var api = await ApiUnderTest.StartAsync();
        await api.PostAsync(Laptop);
        using var response = await api.Http.GetAsync(new Uri("/orders/12345/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        var content = response.Content.ReadAsStringAsync();

        api.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();

        Assert.That(await content.WaitAsync(Patience), Does.StartWith("event: status\ndata: {\"orderId\":\"12345\","));
    }

    private static Task<ApiUnderTest> StartAsync(ValkeyServer store, params (string Name, string Value)[] settings) =>
        ApiUnderTest.StartAsync(settings: [.. store.Settings.Concat(settings)]);

    private static Task<ApiUnderTest.Answer> GetAsync(ApiUnderTest api, string path) => api.SendAsync(new HttpRequestMessage(HttpMethod.Get, path));

    private static Task<ApiUnderTest.Answer> WaitForAsync(ApiUnderTest api, string orderId, string status) => Eventually.GetAsync(
        $"order {orderId} is {status}", _ => GetAsync(api, $"/orders/{orderId}"), answer => answer.Status == 200 && (string?)answer.Json["status"] == status, Patience);

    /// <summary>Waits until the order's other notifications have these statuses, in the order in which they are told.</summary>
    private static Task<ApiUnderTest.Answer> WaitForNotificationsAsync(ApiUnderTest api, string orderId, string statuses) => Eventually.GetAsync(
        $"the notifications of order {orderId} are {statuses}",
        _ => GetAsync(api, $"/orders/{orderId}"),
        answer => string.Join(' ', (answer.Json["notifications"] as JsonArray ?? []).Select(notification => (string?)notification!["status"])) == statuses,
        Patience);
}
