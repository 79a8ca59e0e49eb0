using Orders.Tests.Api;

namespace Orders.Tests.ServiceDefaults.Documentation;

/// <summary>Where a program tells of itself, and that it promises nothing that is not there.</summary>
internal sealed class DocumentationSwitchTests
{
    private static readonly string[] Addresses = ["/", "/swagger", "/swagger/index.html", "/swagger/swagger-ui-bundle.js", "/openapi/v1.json", "/openapi/faults.json"];

    [TestCase("Production", null, 404)]
    [TestCase("Production", "false", 404)]
    [TestCase("Production", "true", 200)]
    [TestCase("Development", "false", 404)]
    [TestCase("Development", "true", 200)]
    [TestCase("Development", null, 200)]
    public async Task It_is_there_where_it_is_wanted(string environment, string? swaggerUI, int status)
    {
        (string, string?)[] setting = swaggerUI is null ? [] : [("Documentation__SwaggerUI", swaggerUI)];
        await using var api = await ApiUnderTest.StartAsync(environment, settings: [.. Basic.Users, .. setting]);

        foreach (var address in Addresses)
        {
            var answer = await api.SendAsync(new HttpRequestMessage(HttpMethod.Get, address));
            Assert.That(answer.Status, Is.EqualTo(status), address);
            if (status == 404)
            {
                api.Expect(answer, 404);
                Assert.That(answer.Detail, Does.Contain("POST /orders").And.Not.Contain("swagger"));
            }
        }
    }

    [TestCase("false", "Ready for orders: POST {0}/orders")]
    [TestCase("true", "Place one by hand in Swagger UI: {0}/swagger")]
    public async Task The_log_says_how_to_place_an_order(string swaggerUI, string line)
    {
        var url = $"http://127.0.0.1:{Ports.Free(1)[0]}";

        await using var program = await RealProgram.Api.StartAsync(string.Format(null, line, url), ("ASPNETCORE_URLS", url), ("Documentation__SwaggerUI", swaggerUI));
    }
}
