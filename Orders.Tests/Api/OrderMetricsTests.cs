namespace Orders.Tests.Api;

/// <summary>Every order is counted once, whoever refuses it.</summary>
public sealed class OrderMetricsTests
{
    private const string Good = """{"orderId":"1","email":"customer@example.com","product":"Laptop"}""";

    [TestCase("/orders", "application/json", Good, "accepted", TestName = "A_good_order")]
    [TestCase("/order", "application/json", Good, "accepted", TestName = "A_good_order_of_the_tutorial")]
    [TestCase("/orders/", "application/json", Good, "accepted", TestName = "A_good_order_with_a_slash")]
    [TestCase("/orders", "application/json", """{"email":"nobody","product":"Laptop"}""", "invalid", TestName = "An_order_that_breaks_a_rule")]
    [TestCase("/orders/", "application/json", "{", "invalid", TestName = "A_body_that_is_not_JSON")]
    [TestCase("/orders", "text/plain", Good, "invalid", TestName = "A_body_that_does_not_claim_to_be_JSON")]
    [TestCase("/order", "application/json; charset=none", Good, "invalid", TestName = "A_body_in_an_unknown_charset")]
    [TestCase("/orders/1", "application/json", Good, "nothing", TestName = "What_is_sent_elsewhere_is_no_order")]
    public async Task Counts(string path, string contentType, string body, string expected)
    {
        await using var api = await ApiUnderTest.StartAsync();
        using var accepted = Measured<long>.By(api.Services, "orders.accepted", "Orders.Api");
        using var refused = Measured<long>.By(api.Services, "orders.refused", "Orders.Api");

        await api.PostAsync(body, path, contentType);

        Assert.That(
            accepted.All.Select(order => $"{order} accepted").Concat(refused.All),
            Is.EqualTo(expected switch
            {
                "nothing" => Array.Empty<string>(),
                "accepted" => ["1 accepted"],
                _ => [$"1 error.type={expected}"],
            }));
    }

    [Test]
    public async Task An_order_that_the_broker_cannot_take()
    {
        await using var api = await ApiUnderTest.StartAsync(settings:
        [
            ("Messaging__Transport", "RabbitMq"),
            ("RabbitMq__Host", "127.0.0.1"),
            ("RabbitMq__Port", $"{Ports.Free(1)[0]}"),
            ("RabbitMq__Username", "nobody"),
            ("RabbitMq__Password", "nothing"),
        ]);
        using var refused = Measured<long>.By(api.Services, "orders.refused", "Orders.Api");

        await api.PostAsync(Good);

        Assert.That(refused.All, Is.EqualTo(["1 error.type=not_placed"]));
    }

    [Test]
    public async Task An_order_too_many()
    {
        await using var api = await ApiUnderTest.StartAsync(settings: [("RateLimit__PermitsPerSecond", "1"), ("RateLimit__Burst", "1")]);
        using var refused = Measured<long>.By(api.Services, "orders.refused", "Orders.Api");

        await api.PostAsync(Good);
        await api.PostAsync(Good);
        await api.PostAsync(Good);

        Assert.That(refused.All, Is.Not.Empty.And.All.EqualTo("1 error.type=rate_limited"));
    }
}
