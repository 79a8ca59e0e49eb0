using System.Text.Json.Nodes;
using Orders.FaultQueues.Access;
using Orders.Tests.EndToEnd;

namespace Orders.Tests.FaultQueues.Access;

/// <summary>Where there are no users: nobody gets in but a developer on the same machine.</summary>
internal sealed class ClosedTests : OrderSystemTests
{
    [TestCase("GET", "/faults")]
    [TestCase("GET", "/faults/")]
    [TestCase("GET", "/faults/order-confirmation/error")]
    [TestCase("GET", "/faults/assets/faults.css")]
    [TestCase("GET", "/faults/api")]
    [TestCase("GET", "/faults/api/order-confirmation/error")]
    [TestCase("GET", "/faults/api/events")]
    [TestCase("GET", "/faults/api/nowhere")]
    [TestCase("POST", "/faults/api")]
    [TestCase("POST", "/faults/api/order-confirmation/error/replay")]
    [TestCase("POST", "/faults/api/order-confirmation/parked/discard")]
    [TestCase("DELETE", "/faults/api/operations/1")]
    [TestCase("POST", "/FAULTS/API/error/replay")]
    public async Task In_production_there_is_nothing_to_be_found(string method, string path)
    {
        TheSystem = await OrderSystem.ServeAsync("Production");

        using var answer = await SendAsync(method, path);

        Assert.That((int)answer.StatusCode, Is.EqualTo(404));
        Assert.That(answer.Headers.WwwAuthenticate, Is.Empty);
    }

    [Test]
    public async Task The_answer_is_a_problem_to_programs_and_a_line_to_people()
    {
        TheSystem = await OrderSystem.ServeAsync("Production");

        using var api = await SendAsync("GET", "/faults/api");
        using var page = await SendAsync("GET", "/faults");

        var problem = JsonNode.Parse(await api.Content.ReadAsStringAsync())!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(api.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/problem+json"));
            Assert.That((string?)problem["detail"], Does.StartWith("This is closed here"));
            Assert.That(page.Content.Headers.ContentType?.MediaType, Is.EqualTo("text/plain"));
            Assert.That(await page.Content.ReadAsStringAsync(), Does.StartWith("Not Found. This is closed here"));
        }
    }

    [TestCase("localhost", null, 200)]
    [TestCase("127.0.0.1:3001", null, 200)]
    [TestCase("[::1]:3001", null, 200)]
    [TestCase("evil.example", null, 404)]
    [TestCase("localhost.evil.example", null, 404)]
    [TestCase("127.0.0.1.evil.example", null, 404)]
    [TestCase("192.168.0.7", null, 404)]
    [TestCase("localhost", "Forwarded", 404)]
    [TestCase("localhost", "Via", 404)]
    [TestCase("localhost", "X-Forwarded-For", 404)]
    [TestCase("localhost", "X-Original-For", 404)]
    public async Task A_developer_on_the_same_machine_gets_in_by_the_machines_own_names(string host, string? traceOfProxy, int status)
    {
        TheSystem = await OrderSystem.ServeAsync("Development");

        using var answer = await SendAsync("GET", "/faults/api", host, traceOfProxy);

        Assert.That((int)answer.StatusCode, Is.EqualTo(status));
    }

    [Test]
    public async Task A_connection_that_is_not_known_to_be_local_is_not()
    {
        // The server of the tests has no connections.
        TheSystem = await OrderSystem.StartAsync(TransportUnderTest.InMemory, settings: ("environment", "Development"));

        using var answer = await SendAsync("GET", "/faults/api", "localhost");

        Assert.That((int)answer.StatusCode, Is.EqualTo(404));
    }

    [Test]
    public async Task A_page_of_another_site_cannot_act_in_the_developers_name()
    {
        TheSystem = await OrderSystem.ServeAsync("Development");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/faults/api/order-confirmation/error/replay");
        request.Headers.Add("Sec-Fetch-Site", "cross-site");

        using var answer = await TheSystem.Http.SendAsync(request);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)answer.StatusCode, Is.EqualTo(403));
            Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("A page of another site sent this request. Nothing was done."));
            Assert.That(TheSystem.Log.Of<FaultGuard>(241), Has.Count.EqualTo(1));
        }
    }

    private async Task<HttpResponseMessage> SendAsync(string method, string path, string? host = null, string? traceOfProxy = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Headers.Host = host;
        if (traceOfProxy is not null)
        {
            request.Headers.Add(traceOfProxy, traceOfProxy == "Via" ? "1.1 proxy" : "127.0.0.1");
        }

        return await TheSystem.Http.SendAsync(request);
    }
}
