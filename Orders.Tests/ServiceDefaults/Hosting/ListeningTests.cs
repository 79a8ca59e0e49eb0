using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Orders.ServiceDefaults.Hosting;

namespace Orders.Tests.ServiceDefaults.Hosting;

/// <summary>Where the programs listen.</summary>
public sealed class ListeningTests
{
    [TestCase(null, ExpectedResult = "http://localhost:3000", TestName = "On_loopback_at_the_default_port")]
    [TestCase("--urls=http://+:80", ExpectedResult = "http://+:80", TestName = "Where_addresses_say")]
    [TestCase("--http_ports=8080", ExpectedResult = null, TestName = "Where_HTTP_ports_say")]
    [TestCase("--https_ports=8443", ExpectedResult = null, TestName = "Where_HTTPS_ports_say")]
    [TestCase("--http_ports=", ExpectedResult = "http://localhost:3000", TestName = "At_the_default_port_where_ports_are_blank")]
    public string? Addresses(string? argument)
    {
        var builder = WebApplication.CreateBuilder(argument is null ? [] : [argument]);

        builder.AddDefaults(port: 3000);

        return builder.Configuration[WebHostDefaults.ServerUrlsKey];
    }

    [Test]
    public async Task A_port_from_the_environment_is_enough()
    {
        var port = Ports.Free(1)[0];
        await using var program = await RealProgram.Api.StartAsync(("ASPNETCORE_URLS", ""), ("ASPNETCORE_HTTP_PORTS", $"{port}"));
        using var http = new HttpClient();

        using var answer = await http.GetAsync(new Uri($"http://127.0.0.1:{port}/health/live"));

        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
    }

    [Test]
    public async Task An_address_from_the_environment_counts_more_than_a_port()
    {
        var ports = Ports.Free(2);
        await using var program = await RealProgram.Api.StartAsync(
            ("ASPNETCORE_URLS", $"http://127.0.0.1:{ports[0]}"), ("ASPNETCORE_HTTP_PORTS", $"{ports[1]}"));
        using var http = new HttpClient();

        using var answer = await http.GetAsync(new Uri($"http://127.0.0.1:{ports[0]}/health/live"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)answer.StatusCode, Is.EqualTo(200));
            Assert.That(() => http.GetAsync(new Uri($"http://127.0.0.1:{ports[1]}/health/live")), Throws.InstanceOf<HttpRequestException>());
        }
    }
}
