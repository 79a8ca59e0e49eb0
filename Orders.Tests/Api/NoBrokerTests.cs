namespace Orders.Tests.Api;

/// <summary>The API where its broker should be and is not.</summary>
public sealed class NoBrokerTests
{
    private ApiUnderTest _api = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _api = await ApiUnderTest.StartAsync(settings:
    [
        ("Messaging__Transport", "RabbitMq"),
        ("RabbitMq__Host", "127.0.0.1"),
        ("RabbitMq__Port", $"{Ports.Free(1)[0]}"),
        ("RabbitMq__Username", "orders"),
        ("RabbitMq__Password", "orders"),
    ]);

    [OneTimeTearDown]
    public async Task StopAsync() => await _api.DisposeAsync();

    [TestCase("/health/live", 200)]
    [TestCase("/health/ready", 503)]
    public async Task It_lives_but_is_not_ready(string path, int status)
    {
        var answer = await _api.SendAsync(new HttpRequestMessage(HttpMethod.Get, path));

        Assert.That(answer.Status, Is.EqualTo(status));
    }

    [Test]
    [CancelAfter(15_000)]
    public async Task An_order_is_refused_for_now(CancellationToken cancellationToken)
    {
        var answer = await _api.PostAsync("""{"orderId":"12345","email":"customer@example.com","product":"Laptop"}""").WaitAsync(cancellationToken);

        _api.Expect(answer, 503);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Title, Is.EqualTo("The order was not placed"));
            Assert.That(answer.Headers.RetryAfter?.Delta, Is.EqualTo(TimeSpan.FromSeconds(5)));
        }
    }

    [Test]
    public async Task A_wrong_order_is_refused_for_good()
    {
        var answer = await _api.PostAsync("""{"email":"customer@example.com"}""");

        _api.Expect(answer, 400);
    }
}
