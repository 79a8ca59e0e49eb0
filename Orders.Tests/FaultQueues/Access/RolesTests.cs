using System.Net.Http.Headers;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using Orders.FaultQueues.Access;

namespace Orders.Tests.FaultQueues.Access;

/// <summary>Who may do what: asked of every address that there is, so that a new one cannot be forgotten.</summary>
internal sealed class RolesTests
{
    private OrderSystem _system = null!;

    [OneTimeSetUp]
    public async Task StartAsync() =>
        _system = await OrderSystem.ServeAsync("Production", [.. Basic.Users, ("Faults__AllowEditing", "true")]);

    [OneTimeTearDown]
    public async Task StopAsync() => await _system.DisposeAsync();

    [Test]
    public void Every_address_takes_a_reader_and_whatever_acts_takes_an_operator()
    {
        foreach (var endpoint in Endpoints())
        {
            using (Assert.EnterMultipleScope())
            {
                Assert.That(PoliciesOf(endpoint), Does.Contain(FaultAccess.Reader), endpoint.DisplayName);
                Assert.That(IsSafe(endpoint) || NeedsOperator(endpoint), Is.True, endpoint.DisplayName);
                Assert.That(endpoint.Metadata.GetMetadata<IAllowAnonymous>(), Is.Null, endpoint.DisplayName);
            }
        }
    }

    [Test]
    public async Task A_reader_looks_and_an_operator_acts_and_nobody_else_does_anything()
    {
        foreach (var endpoint in Endpoints())
        {
            using (Assert.EnterMultipleScope())
            {
                Assert.That(await StatusAsync(endpoint, null), Is.EqualTo(401), endpoint.DisplayName);
                Assert.That(await StatusAsync(endpoint, "rita"), NeedsOperator(endpoint) ? Is.EqualTo(403) : Is.Not.EqualTo(401).And.Not.EqualTo(403), endpoint.DisplayName);
                Assert.That(await StatusAsync(endpoint, "olga"), Is.Not.EqualTo(401).And.Not.EqualTo(403), endpoint.DisplayName);
            }
        }
    }

    [TestCase("GET", "/faults/nowhere")]
    [TestCase("PUT", "/faults/api/order-confirmation/error")]
    [TestCase("POST", "/faults/api/nowhere")]
    public async Task Without_signing_in_nobody_learns_what_there_is(string method, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var answer = await _system.Http.SendAsync(request);

        Assert.That((int)answer.StatusCode, Is.EqualTo(401));
    }

    private RouteEndpoint[] Endpoints()
    {
        var endpoints = _system.Worker.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.RawText?.StartsWith("/faults", StringComparison.Ordinal) == true)
            .ToArray();
        Assert.That(endpoints, Has.Length.GreaterThan(10));
        return endpoints;
    }

    private static IEnumerable<string?> PoliciesOf(RouteEndpoint endpoint) =>
        endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>().Select(needed => needed.Policy);

    /// <summary>What acts does, and the page that asks for a confirmation of it.</summary>
    private static bool NeedsOperator(RouteEndpoint endpoint) => PoliciesOf(endpoint).Contains(FaultAccess.Operator);

    private static bool IsSafe(RouteEndpoint endpoint) => MethodOf(endpoint) is "GET" or "HEAD";

    private static string MethodOf(RouteEndpoint endpoint) => endpoint.Metadata.GetRequiredMetadata<IHttpMethodMetadata>().HttpMethods[0];

    private async Task<int> StatusAsync(RouteEndpoint endpoint, string? user)
    {
        var path = string.Join('/', endpoint.RoutePattern.PathSegments.Select(segment => segment.Parts[0] switch
        {
            RoutePatternLiteralPart literal => literal.Content,
            RoutePatternParameterPart { Name: "endpoint" } => "order-confirmation",
            RoutePatternParameterPart { Name: "queue" } => "error",
            RoutePatternParameterPart { Name: "action" } => "replay",
            _ => "0",
        }));
        using var request = new HttpRequestMessage(new HttpMethod(MethodOf(endpoint)), $"/{path}");
        request.Headers.Authorization = user is null ? null : Basic.Of(user);
        if (endpoint.Metadata.GetMetadata<IAcceptsMetadata>() is { } accepts)
        {
            request.Content = new StringContent("{}", new MediaTypeHeaderValue(accepts.ContentTypes[0]));
        }

        // A client that is sent on to a new address signs in there itself.
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = _system.Http.BaseAddress };
        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return (int)answer.StatusCode;
    }
}
