using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Notifications.Worker;
using Orders.Api.Publishing;
using Orders.Tests.EndToEnd;

namespace Orders.Tests;

/// <summary>While an update goes on, the API and the worker of the release before run beside the new ones, on one broker and one ledger.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnQuorumQueues))]
[Long]
internal sealed class RollingUpgradeTests(TransportUnderTest transport) : OrderSystemTests
{
    /// <summary>How long orders come in. <c>ORDERS_TEST_UPGRADE_SECONDS</c> makes it longer, such as before a release.</summary>
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(
        int.Parse(Environment.GetEnvironmentVariable("ORDERS_TEST_UPGRADE_SECONDS") ?? "10", CultureInfo.InvariantCulture));

    /// <summary>The names that the release before knows. The present ones, which the tests set, count more.</summary>
    private static readonly (string Name, string? Value)[] FormerSettings =
    [
        ("Redelivery__Intervals__0", "00:00:00.050"),
        ("Redelivery__Intervals__1", "00:00:00.050"),
        ("Redelivery__Intervals__2", "00:00:00.100"),
        ("Redeliver__Period", "00:00:00.050"),
        ("Redeliver__Backoff__0", "00:00:00.020"),
    ];

    private readonly Cleanup _cleanup = new();
    [TearDown]
    public Task EndProgramsAsync() => _cleanup.RunAsync();

    [Test]
    public async Task Every_order_that_either_API_accepts_is_emailed_once_or_parked_and_both_tell_the_same_of_it()
    {
        var before = await ReleaseBefore.SharedAsync();
        var ledger = _cleanup.Add(await ValkeyServer.StartNewAsync());
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        TheSystem.Mail.On(SmtpStep.Recipient, recipient =>
            recipient.StartsWith("nobody", StringComparison.Ordinal) ? "550 5.1.1 User unknown"
            : recipient.StartsWith("full", StringComparison.Ordinal) && Random.Shared.Next(2) == 0 ? "451 4.2.2 The mail store is full"
            : null);
        // In this order the topology is that of the release before, as in a system that is updated.
        await StartAsync(before.Worker, ledger);
        var apis = new[] { await StartApiAsync(before.Api, ledger), await StartApiAsync(typeof(MessagePublisher).Assembly.Location, ledger) };
        await StartAsync(typeof(WorkerOptions).Assembly.Location, ledger);

        var accepted = (await Task.WhenAll(apis.Select((api, number) => PlaceAsync(api, number)))).Sum();

        await Eventually.GetAsync(
            "an email or a place in parking for every order",
            async _ => TheSystem.Confirmations.Count + await TheSystem.CountAsync(OrderConfirmationEndpoint.ParkingQueue),
            ended => ended == accepted,
            TimeSpan.FromMinutes(2));
        await TheSystem.WaitForCountAsync("order-status", 0);
        // While somebody looks at parking, what is held is not counted.
        var parked = accepted - TheSystem.Confirmations.Count;
        await TheSystem.WaitForCountAsync(OrderConfirmationEndpoint.ParkingQueue, (uint)parked);
        TestContext.Out.WriteLine($"{accepted} orders accepted, {TheSystem.Confirmations.Count} emailed, {parked} parked");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(TheSystem.ConfirmedOrders, Is.Unique);
            Assert.That(parked, Is.GreaterThan(0));
            Assert.That(await TheSystem.CountAsync("order-status_error"), Is.Zero);
            foreach (var orderId in new[] { "0-1", "1-1", "0-10", "1-10", "0-20", "1-20" })
            {
                Assert.That(await StatusAsync(apis[0], orderId), Is.EqualTo(await StatusAsync(apis[1], orderId)).And.EqualTo(orderId.EndsWith("-20", StringComparison.Ordinal) ? "failed" : "confirmed"), orderId);
            }
        }
    }

    /// <summary>Places orders until the time is up. Some addresses do not exist, others are full now and then.</summary>
    private static async Task<int> PlaceAsync(HttpClient api, int number)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        using var end = new CancellationTokenSource(Duration);
        var placed = 0;
        while (!end.IsCancellationRequested)
        {
            placed++;
            var who = placed % 20 == 0 ? "nobody" : placed % 10 == 0 ? "full" : "customer";
            using var answer = await api.PostAsJsonAsync(
                new Uri("/orders", UriKind.Relative), new { orderId = $"{number}-{placed}", email = $"{who}@example.com", product = "Laptop" });
            Assert.That((int)answer.StatusCode, Is.EqualTo(202), await answer.Content.ReadAsStringAsync());
            await timer.WaitForNextTickAsync();
        }

        return placed;
    }

    private static async Task<string?> StatusAsync(HttpClient api, string orderId) =>
        (string?)(await api.GetFromJsonAsync<JsonNode>(new Uri($"/orders/{orderId}", UriKind.Relative)))!["status"];

    private async Task<HttpClient> StartApiAsync(string assembly, ValkeyServer ledger)
    {
        var address = $"http://127.0.0.1:{Ports.Free(1)[0]}";
        await StartAsync(assembly, ledger, ("ASPNETCORE_URLS", address));
        var http = _cleanup.Add(new HttpClient { BaseAddress = new Uri(address) });
        await Eventually.GetAsync(
            "the API is ready",
            cancellationToken => http.GetAsync(new Uri("/health/ready", UriKind.Relative), cancellationToken),
            answer => answer.IsSuccessStatusCode,
            TimeSpan.FromSeconds(60));
        return http;
    }

    private async Task StartAsync(string assembly, ValkeyServer ledger, params (string Name, string? Value)[] settings) =>
        _cleanup.Add(await TheSystem.StartProcessAsync(assembly, onLine: null, [.. FormerSettings, .. ledger.Settings.Select(setting => (setting.Name, (string?)setting.Value)), .. settings]));
}
