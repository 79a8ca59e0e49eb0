using System.Text.Json.Nodes;
using Orders.Tests.Api;

namespace Orders.Tests.ServiceDefaults.Health;

/// <summary>Who is told how much, by the API whose broker is away.</summary>
internal sealed class HealthEndpointsTests
{
    [TestCase("/health/live", 200, "Healthy")]
    [TestCase("/health/ready", 503, "Unhealthy")]
    public async Task Whoever_asks_is_told_one_word(string path, int status, string word)
    {
        await using var api = await StartAsync(Basic.Users);

        var answer = await GetAsync(api, path);

        Assert.That((answer.Status, answer.Body), Is.EqualTo((status, word)));
        Assert.That(answer.ContentHeaders.ContentType?.MediaType, Is.EqualTo("text/plain"));
    }

    [TestCase(null, 401)]
    [TestCase("rita", 403)]
    public async Task Who_is_no_operator_is_told_nothing(string? user, int status)
    {
        await using var api = await StartAsync(Basic.Users);

        var answer = await GetAsync(api, "/health/details", user);

        api.Expect(answer, status);
        Assert.That(answer.Body, Does.Not.Contain("masstransit"));
    }

    [Test]
    public async Task An_operator_is_told_everything()
    {
        await using var api = await StartAsync(Basic.Users);

        var answer = await GetAsync(api, "/health/details", "olga");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(503));
            Assert.That((string?)answer.Json["checks"]!["masstransit-bus"]!["status"], Is.EqualTo("Unhealthy").Or.EqualTo("Degraded"));
            Assert.That(answer.Json["checks"]!["broker"], Is.InstanceOf<JsonObject>());
        }
    }

    [Test]
    public async Task Without_users_the_details_are_closed()
    {
        await using var api = await StartAsync([]);

        var answer = await GetAsync(api, "/health/details", "olga");

        api.Expect(answer, 404);
        Assert.That(answer.Detail, Is.EqualTo("This is closed here: there are no users. Faults__Users__0__Name, __Role and __PasswordFile add one."));
    }

    [Test]
    public async Task There_are_no_fault_queues_behind_the_same_door()
    {
        await using var api = await StartAsync(Basic.Users);

        api.Expect(await GetAsync(api, "/faults", "olga"), 404);
    }

    private static Task<ApiUnderTest> StartAsync((string Name, string? Value)[] users) => ApiUnderTest.StartAsync(settings:
    [
        ("Messaging__Transport", "RabbitMq"),
        ("RabbitMq__Host", "127.0.0.1"),
        ("RabbitMq__Port", $"{Ports.Free(1)[0]}"),
        ("RabbitMq__Username", "orders"),
        ("RabbitMq__Password", "orders"),
        .. users,
    ]);

    private static async Task<ApiUnderTest.Answer> GetAsync(ApiUnderTest api, string path, string? user = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = user is null ? null : Basic.Of(user);
        return await api.SendAsync(request);
    }
}
