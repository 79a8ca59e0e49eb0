using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace Orders.Tests.FaultQueues.Http;

/// <summary>The OpenAPI document of the fault queues, which has a life of its own beside that of the orders.</summary>
internal sealed class FaultsDocumentTests
{
    private OrderSystem _system = null!;
    private string _text = "";
    private JsonNode _document = null!;

    private IEnumerable<(string Path, string Method, JsonNode Operation)> Operations =>
        from path in _document["paths"]!.AsObject()
        from operation in path.Value!.AsObject()
        select (path.Key, operation.Key, operation.Value!);

    [OneTimeSetUp]
    public async Task ReadTheDocumentAsync()
    {
        _system = await OrderSystem.StartAsync(TransportUnderTest.InMemory, settings: Basic.Users);
        _text = await _system.Http.GetStringAsync(new Uri("/openapi/faults.json", UriKind.Relative));
        _document = JsonNode.Parse(_text)!;
    }

    [OneTimeTearDown]
    public async Task StopAsync() => await _system.DisposeAsync();

    [Test]
    public void It_is_valid() => Assert.That(OpenApiDocument.Parse(_text, "json").Diagnostic!.Errors, Is.Empty);

    [Test]
    public void It_lists_every_address_of_the_API_and_nothing_else()
    {
        var mapped = _system.Worker.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.RawText!.StartsWith("/faults/api", StringComparison.Ordinal))
            .Where(endpoint => endpoint.Metadata.GetMetadata<IExcludeFromDescriptionMetadata>() is null)
            .Select(endpoint => (
                endpoint.RoutePattern.RawText!.Replace(":regex(^(error|parked)$)", "", StringComparison.Ordinal).Replace(":faultEndpoint", "", StringComparison.Ordinal).TrimEnd('/'),
                endpoint.Metadata.GetRequiredMetadata<IHttpMethodMetadata>().HttpMethods[0].ToLowerInvariant()));

        Assert.That(Operations.Select(operation => (operation.Path, operation.Method)), Is.EquivalentTo(mapped));
    }

    [Test]
    public void Everything_in_it_is_described()
    {
        foreach (var (path, method, operation) in Operations)
        {
            using (Assert.EnterMultipleScope())
            {
                Assert.That((string?)operation["summary"], Is.Not.Empty, $"{method} {path}");
                Assert.That((string?)operation["description"], Is.Not.Empty, $"{method} {path}");
                Assert.That(operation["responses"]!.AsObject().Select(response => (string?)response.Value!["description"]), Is.All.Not.Empty);
                Assert.That(operation["parameters"]?.AsArray().Select(parameter => (string?)parameter!["description"]) ?? [], Is.All.Not.Empty);
                Assert.That(operation["responses"]!.AsObject().Select(response => response.Key), Is.SupersetOf(["401", "503"]));
                // A queue may be one that the broker's user may not read.
                Assert.That(operation["responses"]!["403"] is not null, Is.EqualTo(method != "get" || path.Contains("{queue}", StringComparison.Ordinal)), $"{method} {path}");
            }
        }
    }

    [Test]
    public async Task Every_parameter_in_it_is_one_that_the_API_knows()
    {
        foreach (var (path, _, operation) in Operations.Where(operation => operation.Method == "get"))
        {
            foreach (var name in (operation["parameters"]?.AsArray() ?? []).Where(parameter => (string?)parameter!["in"] == "query").Select(parameter => (string?)parameter!["name"]))
            {
                // Empty is wrong for each of them, and told in other words than an unknown one.
                using var request = new HttpRequestMessage(HttpMethod.Get, $"{path.Replace("{endpoint}/{queue}", "order-confirmation/error", StringComparison.Ordinal)}?{name}=");
                request.Headers.Authorization = Basic.Of("rita");
                using var answer = await _system.Http.SendAsync(request);
                var mistake = (string?)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["errors"]![name!]![0];

                Assert.That(mistake, Does.Not.Contain("no such parameter"), $"{path} {name}");
            }
        }
    }

    [Test]
    public void It_says_how_to_sign_in()
    {
        var scheme = _document["components"]!["securitySchemes"]!["basic"]!;

        Assert.That(((string?)scheme["type"], (string?)scheme["scheme"]), Is.EqualTo(("http", "basic")));
        Assert.That(_document["security"]![0]!["basic"], Is.Not.Null);
    }

    [TestCase(true, 200)]
    [TestCase(false, 404)]
    public async Task It_is_there_only_where_somebody_can_get_in(bool users, int status)
    {
        await using var system = await OrderSystem.ServeAsync("Production", [("Documentation__SwaggerUI", "true"), .. users ? Basic.Users : []]);

        using var document = await system.Http.GetAsync(new Uri("/openapi/faults.json", UriKind.Relative));
        var ui = await system.Http.GetStringAsync(new Uri("/swagger/index.js", UriKind.Relative));

        Assert.That((int)document.StatusCode, Is.EqualTo(status));
        Assert.That(ui.Contains("/openapi/faults.json", StringComparison.Ordinal), Is.EqualTo(users));
        Assert.That(ui, Does.Contain("/openapi/v1.json"));
    }
}
