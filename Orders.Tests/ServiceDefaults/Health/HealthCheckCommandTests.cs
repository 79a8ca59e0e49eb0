using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Orders.ServiceDefaults.Health;

namespace Orders.Tests.ServiceDefaults.Health;

public sealed class HealthCheckCommandTests
{
    [TestCase(null, null, "http://127.0.0.1:3001/health/ready")]
    [TestCase("http://+:3000", null, "http://127.0.0.1:3000/health/ready")]
    [TestCase("http://*:3000", "8080", "http://127.0.0.1:3000/health/ready")]
    [TestCase("http://0.0.0.0:3000", null, "http://127.0.0.1:3000/health/ready")]
    [TestCase("http://[::]:3000", null, "http://127.0.0.1:3000/health/ready")]
    [TestCase("http://localhost:3000/", null, "http://127.0.0.1:3000/health/ready")]
    [TestCase("http://10.0.0.7:3000", null, "http://10.0.0.7:3000/health/ready")]
    [TestCase("http://[::1]:3000", null, "http://[::1]:3000/health/ready")]
    [TestCase("https://+:443; http://+:80", null, "http://127.0.0.1/health/ready")]
    [TestCase("", "8080;8081", "http://127.0.0.1:8080/health/ready")]
    public void Asks_on_loopback_where_the_program_listens(string? urls, string? ports, string expected)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new("urls", urls), new("http_ports", ports)])
            .Build();

        Assert.That(HealthCheckCommand.ReadyAddress(configuration, defaultPort: 3001), Is.EqualTo(new Uri(expected)));
    }

    [TestCase(StatusCodes.Status200OK, null)]
    [TestCase(StatusCodes.Status503ServiceUnavailable, "answered 503")]
    public async Task Repeats_what_the_program_says(int status, string? problem)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using var program = builder.Build();
        program.MapGet("/health/ready", () => Results.StatusCode(status));
        await program.StartAsync();

        Assert.That(
            await HealthCheckCommand.FindProblemAsync(new Uri($"{program.Urls.Single()}/health/ready")), Is.EqualTo(problem));
    }

    [Test]
    public async Task Says_that_nobody_listens() =>
        Assert.That(
            await HealthCheckCommand.FindProblemAsync(new Uri($"http://127.0.0.1:{Ports.Free(1)[0]}/health/ready")),
            Does.StartWith("does not answer: ").And.Not.Contain('\n'));

    [TestCase(true, "health-check")]
    [TestCase(false)]
    [TestCase(false, "--urls", "http://+:3000")]
    public void Is_meant_by_its_name_alone(bool meant, params string[] arguments) =>
        Assert.That(HealthCheckCommand.IsMeantBy(arguments), Is.EqualTo(meant));
}
