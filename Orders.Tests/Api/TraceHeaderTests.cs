namespace Orders.Tests.Api;

/// <summary>Every answer names its trace.</summary>
public sealed class TraceHeaderTests
{
    private const string Good = """{"orderId":"1","email":"customer@example.com","product":"Laptop"}""";

    private ApiUnderTest _api = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _api = await ApiUnderTest.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await _api.DisposeAsync();

    [TestCase("/orders", "application/json", Good, 202)]
    [TestCase("/orders", "application/json", "{}", 400, TestName = "An_order_that_breaks_a_rule")]
    [TestCase("/orders", "application/json", "{", 400, TestName = "A_body_that_is_not_JSON")]
    [TestCase("/nowhere", "application/json", Good, 404)]
    [TestCase("/health/live", "application/json", Good, 200)]
    [TestCase("/orders", "text/plain", Good, 415)]
    public async Task Every_answer(string path, string contentType, string body, int status)
    {
        var answer = await _api.PostAsync(body, path, contentType);

        var traceParent = answer.Headers.GetValues("traceparent").Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(status));
            Assert.That(traceParent, Does.Match("^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$"));
            if (status >= 400)
            {
                Assert.That((string?)answer.Json["traceId"], Is.EqualTo(traceParent));
            }
        }
    }

    [TestCase("not a trace")]
    [TestCase("00-00000000000000000000000000000000-00f067aa0ba902b7-01")]
    [TestCase("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra")]
    public async Task What_is_no_trace_is_not_taken_for_one(string traceParent)
    {
        using var content = new StringContent(Good, System.Text.Encoding.UTF8, "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/orders") { Content = content };
        request.Headers.Add("traceparent", traceParent);
        request.Headers.Add("Request-Id", "|legacy.1.");

        var answer = await _api.SendAsync(request);

        Assert.That(answer.Headers.GetValues("traceparent").Single(), Does.Match("^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$").And.Not.Contain("4bf92f"));
    }
}
