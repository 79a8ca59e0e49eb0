using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Notifications.Worker;
using Orders.Api.Publishing;

namespace Orders.Tests.ServiceDefaults.Protection;

/// <summary>What every answer of both programs says to browsers, and never says.</summary>
[TestFixture(true, "Production")]
[TestFixture(true, "Development")]
[TestFixture(false, "Production")]
[TestFixture(false, "Development")]
internal sealed class SecurityHeadersTests(bool isApi, string environment)
{
    private const string Secret = "the insides";

    private Func<ValueTask> _stop = null!;
    private HttpClient _http = null!;

    [OneTimeSetUp]
    public void Start()
    {
        if (isApi)
        {
            Start<MessagePublisher>();
        }
        else
        {
            Start<WorkerOptions>(
                ("Messaging__Transport", "RabbitMq"),
                ("RabbitMq__Host", "127.0.0.1"),
                ("RabbitMq__Port", $"{Ports.Free(1)[0]}"),
                ("RabbitMq__Username", "orders"),
                ("RabbitMq__Password", "orders"));
        }
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        _http.Dispose();
        await _stop();
    }

    [TestCase("GET", "/")]
    [TestCase("GET", "/nowhere")]
    [TestCase("GET", "/health/live")]
    [TestCase("GET", "/health/ready")]
    [TestCase("GET", "/health/details")]
    [TestCase("GET", "/swagger")]
    [TestCase("GET", "/swagger/index.html")]
    [TestCase("GET", "/swagger/swagger-ui-bundle.js")]
    [TestCase("GET", "/swagger/nowhere.js")]
    [TestCase("GET", "/openapi/faults.json")]
    [TestCase("GET", "/openapi/nothing.json")]
    [TestCase("GET", "/faults")]
    [TestCase("GET", "/faults/nowhere")]
    [TestCase("GET", "/faults/api")]
    [TestCase("POST", "/faults/api/order-confirmation/error/replay")]
    [TestCase("POST", "/orders")]
    [TestCase("PUT", "/orders")]
    [TestCase("GET", Breaking.Path)]
    [TestCase("GET", $"{Breaking.Path}/request")]
    public async Task Every_answer_has_them(string method, string path)
    {
        foreach (var user in new[] { null, "rita" })
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            request.Headers.Authorization = user is null ? null : Basic.Of(user);
            request.Content = method == "GET" ? null : new StringContent("not JSON", System.Text.Encoding.UTF8, "application/json");

            using var answer = await _http.SendAsync(request);

            using (Assert.EnterMultipleScope())
            {
                Assert.That(Header(answer, "X-Content-Type-Options"), Is.EqualTo("nosniff"));
                Assert.That(Header(answer, "X-Frame-Options"), Is.EqualTo("DENY"));
                Assert.That(Header(answer, "Content-Security-Policy"), Does.StartWith("default-src 'none'; ").And.Contain("frame-ancestors 'none'").And.Contain("base-uri 'none'"));
                Assert.That(Header(answer, "Content-Security-Policy"), Does.Not.Contain("script-src 'self' 'unsafe").And.Not.Contain("*").And.Not.Contain("http"));
                Assert.That(Header(answer, "Referrer-Policy"), Is.EqualTo("same-origin"));
                Assert.That(Header(answer, "Cross-Origin-Opener-Policy"), Is.EqualTo("same-origin"));
                Assert.That(Header(answer, "Cross-Origin-Resource-Policy"), Is.EqualTo("same-origin"));
                Assert.That(Header(answer, "Permissions-Policy"), Does.Contain("camera=()"));
                Assert.That(Header(answer, "Cache-Control"), path.StartsWith("/swagger/swagger-ui", StringComparison.Ordinal) ? Does.Contain("max-age") : Does.Contain("no-store").Or.Contain("no-cache").Or.Contain("max-age=0"));
                Assert.That(answer.Headers.Contains("Server"), Is.False);
                Assert.That(answer.Headers.Contains("Strict-Transport-Security"), Is.False, "This is plain HTTP.");
            }
        }
    }

    [TestCase(Breaking.Path, 500)]
    [TestCase($"{Breaking.Path}/request", 418)]
    public async Task A_failure_of_our_own_is_a_problem_without_a_stack_trace(string path, int status)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.ParseAdd("text/html");

        using var answer = await _http.SendAsync(request);

        var body = await answer.Content.ReadAsStringAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)answer.StatusCode, Is.EqualTo(status), body);
            Assert.That(answer.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/problem+json"));
            Assert.That(body, Does.Not.Contain(Secret).And.Not.Contain("   at ").And.Not.Contain("Exception"));
        }
    }

    private static string Header(HttpResponseMessage answer, string name) =>
        answer.Headers.TryGetValues(name, out var values) ? string.Join(" | ", values) : "";

    private void Start<TProgram>(params (string Name, string? Value)[] settings)
        where TProgram : class
    {
        var program = new WebApplicationFactory<TProgram>().WithWebHostBuilder(host =>
        {
            host.UseEnvironment(environment);
            host.UseUrls("http://127.0.0.1:0");
            foreach (var (name, value) in Basic.Users.Concat([("Documentation__SwaggerUI", "true"), ("RateLimit__PermitsPerSecond", "0"), .. settings]))
            {
                host.UseSetting(name.Replace("__", ":", StringComparison.Ordinal), value);
            }

            host.ConfigureServices(services => services.AddSingleton<IStartupFilter, Breaking>());
        });
        program.UseKestrel();
        program.StartServer();
        _stop = program.DisposeAsync;
        program.ClientOptions.AllowAutoRedirect = false;
        _http = program.CreateClient();
    }

    /// <summary>Something in the program that fails, behind all that the program puts before it.</summary>
    private sealed class Breaking : IStartupFilter
    {
        public const string Path = "/broken";

        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            next(app);
            app.Use((HttpContext http, RequestDelegate _) => throw (http.Request.Path.Value switch
            {
                Path => new InvalidOperationException(Secret),
                _ => new BadHttpRequestException(Secret, 418),
            }));
        };
    }
}
