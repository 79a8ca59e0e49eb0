using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Notifications.Worker.Faults.Access;
using Notifications.Worker.Protection;
using Orders.Tests.EndToEnd;

namespace Orders.Tests.Faults.Access;

/// <summary>What becomes of those who try passwords.</summary>
internal sealed class SignInLimitTests : OrderSystemTests
{
    [Test]
    public async Task After_ten_wrong_passwords_not_even_the_right_one_is_taken_for_a_while()
    {
        TheSystem = await OrderSystem.ServeAsync("Production", [.. Basic.Users, ("RateLimit__FailedSignInsPerMinute", $"{new RateLimitOptions().FailedSignInsPerMinute}")]);
        for (var i = 0; i < 10; i++)
        {
            using var wrong = await GetAsync(Basic.Header($"olga:guess-{i}"));
            Assert.That((int)wrong.StatusCode, Is.EqualTo(401));
        }

        using var eleventh = await GetAsync(Basic.Header("olga:guess-10"));
        using var right = await GetAsync(Basic.Of("olga"));
        using var details = await GetAsync(Basic.Of("olga"), "/health/details");
        using var anonymous = await GetAsync(null);

        using (Assert.EnterMultipleScope())
        {
            foreach (var refused in new[] { eleventh, right, details })
            {
                Assert.That((int)refused.StatusCode, Is.EqualTo(429));
                Assert.That(refused.Headers.RetryAfter?.Delta, Is.InRange(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(6)));
                Assert.That(refused.Headers.WwwAuthenticate, Is.Empty, "A browser would ask its user again.");
                Assert.That((string?)JsonNode.Parse(await refused.Content.ReadAsStringAsync())!["detail"], Does.StartWith("Too many wrong names or passwords"));
            }

            Assert.That((int)anonymous.StatusCode, Is.EqualTo(401));
            Assert.That(TheSystem.Log.Of<FaultSignIn>(240), Has.Count.EqualTo(10));
            Assert.That(TheSystem.Log.Of<FaultSignIn>(61), Is.EqualTo(["Nobody at 127.0.0.1 can sign in for a while: too many wrong names or passwords came from there"]));
        }
    }

    [Test]
    public async Task Somebody_elses_wrong_passwords_keep_nobody_out()
    {
        TheSystem = await OrderSystem.ServeAsync(
            "Production", [.. Basic.Users, ("RateLimit__FailedSignInsPerMinute", "1"), ("ForwardedHeaders__KnownNetworks__0", "127.0.0.0/8")]);
        using var wrong = await GetAsync(Basic.Header("olga:guess"), from: "192.0.2.1");

        using var refused = await GetAsync(Basic.Of("olga"), from: "192.0.2.1");
        using var taken = await GetAsync(Basic.Of("olga"), from: "192.0.2.2");

        Assert.That(((int)wrong.StatusCode, (int)refused.StatusCode, (int)taken.StatusCode), Is.EqualTo((401, 429, 200)));
    }

    [Test]
    public async Task Right_passwords_are_not_counted()
    {
        TheSystem = await OrderSystem.ServeAsync("Production", [.. Basic.Users, ("RateLimit__FailedSignInsPerMinute", "1")]);

        for (var i = 0; i < 5; i++)
        {
            using var answer = await GetAsync(Basic.Of("rita"));
            Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        }
    }

    private async Task<HttpResponseMessage> GetAsync(AuthenticationHeaderValue? authorization, string path = "/faults/api", string? from = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = authorization;
        if (from is not null)
        {
            request.Headers.Add("X-Forwarded-For", from);
        }

        return await TheSystem.Http.SendAsync(request);
    }
}
