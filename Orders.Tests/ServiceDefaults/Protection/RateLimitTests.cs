using System.Net;
using Microsoft.AspNetCore.Http;
using Orders.ServiceDefaults.Protection;
using Orders.Tests.Api;

namespace Orders.Tests.ServiceDefaults.Protection;

/// <summary>What becomes of a client that asks too often, and of the others.</summary>
internal sealed class RateLimitTests
{
    private const string Valid = """{"orderId":"12345","email":"customer@example.com","product":"Laptop"}""";

    private static readonly (string Name, string? Value)[] ThreeAtOnce = [("RateLimit__PermitsPerSecond", "1"), ("RateLimit__Burst", "3")];

    private static readonly (string Name, string? Value)[] BehindAProxy = [.. ThreeAtOnce, ("ForwardedHeaders__KnownProxies__0", "127.0.0.1")];

    [TestCase("/orders")]
    [TestCase("/order")]
    public async Task What_is_over_the_limit_is_refused_for_a_while(string path)
    {
        await using var api = await ApiUnderTest.StartAsync(settings: ThreeAtOnce);
        for (var i = 0; i < 3; i++)
        {
            Assert.That((await api.PostAsync(Valid, path)).Status, Is.EqualTo(202));
        }

        api.TakePublished();

        var answer = await api.PostAsync(Valid, path);

        api.Expect(answer, 429);
        Assert.That(answer.Headers.RetryAfter?.Delta, Is.EqualTo(TimeSpan.FromSeconds(1)));
        await Eventually.GetAsync("an order is taken again", async _ => (await api.PostAsync(Valid, path)).Status, status => status == 202, TimeSpan.FromSeconds(10));
    }

    [Test]
    public async Task Nothing_but_health_is_exempt()
    {
        await using var api = await ApiUnderTest.StartAsync("Development", settings: [("RateLimit__PermitsPerSecond", "1"), ("RateLimit__Burst", "1")]);
        await Eventually.GetAsync("the limit is reached", async _ => await StatusAsync(api, "/nowhere"), status => status == 429, TimeSpan.FromSeconds(10));

        foreach (var path in new[] { "/health/live", "/health/ready" })
        {
            Assert.That(await StatusAsync(api, path), Is.EqualTo(200), path);
        }

        foreach (var path in new[] { "/", "/nowhere", "/swagger/index.html", "/openapi/v1.json", "/faults", "/faults/api", "/health/details" })
        {
            // In between a second may pass.
            await Eventually.GetAsync($"{path} is limited", async _ => await StatusAsync(api, path), status => status == 429, TimeSpan.FromSeconds(10));
        }
    }

    [Test]
    public async Task By_default_a_burst_of_200_is_taken_and_a_flood_is_not()
    {
        await using var api = await ApiUnderTest.StartAsync(settings: ("RateLimit__PermitsPerSecond", $"{new RateLimitOptions().PermitsPerSecond}"));

        var burst = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => StatusAsync(api, "/nowhere")));
        var flood = await Task.WhenAll(Enumerable.Range(0, 2_000).Select(_ => StatusAsync(api, "/nowhere")));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(burst, Is.All.EqualTo(404));
            Assert.That(flood, Does.Contain(429));
        }
    }

    [Test]
    public async Task Behind_a_proxy_that_is_known_each_client_has_its_own_limit()
    {
        await using var api = await ApiUnderTest.StartAsync(settings: BehindAProxy);
        await Eventually.GetAsync("one is limited", async _ => await StatusAsync(api, "/nowhere", "192.0.2.1"), status => status == 429, TimeSpan.FromSeconds(10));

        Assert.That(await StatusAsync(api, "/nowhere", "192.0.2.2"), Is.EqualTo(404));
    }

    [Test]
    public async Task Behind_a_proxy_what_the_client_itself_says_counts_for_nothing()
    {
        await using var api = await ApiUnderTest.StartAsync(settings: BehindAProxy);

        // The proxy adds the address that it sees to whatever the client has made up.
        await Eventually.GetAsync(
            "the client is limited whoever it claims to be",
            async _ => await StatusAsync(api, "/nowhere", $"203.0.113.{Random.Shared.Next(256)}, 192.0.2.1"),
            status => status == 429,
            TimeSpan.FromSeconds(10));
    }

    [Test]
    public async Task A_stranger_cannot_take_another_address_by_a_header()
    {
        await using var api = await ApiUnderTest.StartAsync(settings: ThreeAtOnce);
        var made = 0;

        await Eventually.GetAsync(
            "the stranger is limited", async _ => await StatusAsync(api, "/nowhere", $"192.0.2.{made++ % 256}"), status => status == 429, TimeSpan.FromSeconds(10));
    }

    [TestCase("192.0.2.1", ExpectedResult = "192.0.2.1")]
    [TestCase("::ffff:192.0.2.1", ExpectedResult = "192.0.2.1")]
    [TestCase("2001:db8:1:2:3:4:5:6", ExpectedResult = "2001:db8:1:2::")]
    [TestCase("2001:db8:1:2:ffff::1", ExpectedResult = "2001:db8:1:2::")]
    [TestCase("fe80::1%3", ExpectedResult = "fe80::")]
    [TestCase(null, ExpectedResult = "255.255.255.255")]
    public string A_client_is_its_address_or_its_network(string? address)
    {
        var http = new DefaultHttpContext();
        http.Connection.RemoteIpAddress = address is null ? null : IPAddress.Parse(address);

        return Client.Of(http).ToString();
    }

    private static async Task<int> StatusAsync(ApiUnderTest api, string path, string? forwardedFor = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (forwardedFor is not null)
        {
            request.Headers.Add("X-Forwarded-For", forwardedFor);
        }

        return (await api.SendAsync(request)).Status;
    }
}
