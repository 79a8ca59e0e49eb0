using System.Globalization;
using System.Net;

namespace Orders.ServiceDefaults.Health;

/// <summary>
/// <c>dotnet &lt;program&gt;.dll health-check</c>: asks the program that runs beside it whether it is ready. It serves
/// container images that have no shell and no curl, and builds no host, so that it is cheap to run every few seconds.
/// </summary>
public static class HealthCheckCommand
{
    private static readonly TimeSpan TimeOut = TimeSpan.FromSeconds(3);

    /// <summary>Whether the program was started for its health check and for nothing else.</summary>
    public static bool IsMeantBy(string[] args) => args is ["health-check"];

    /// <summary>Asks the program, on the port where its own environment makes it listen.</summary>
    /// <param name="defaultPort">Where the program listens when its environment does not say.</param>
    /// <returns>The exit code: 0 when ready; otherwise 1, and one line on standard error says why.</returns>
    public static async Task<int> RunAsync(int defaultPort)
    {
        // The sources from which the host reads its addresses, in its order.
        var environment = new ConfigurationBuilder()
            .AddEnvironmentVariables("ASPNETCORE_")
            .AddEnvironmentVariables("DOTNET_")
            .AddEnvironmentVariables()
            .Build();
        var address = ReadyAddress(environment, defaultPort);
        var problem = await FindProblemAsync(address);
        if (problem is not null)
        {
            await Console.Error.WriteLineAsync($"{address} {problem}");
        }

        return problem is null ? 0 : 1;
    }

    /// <summary>Where the program answers on this machine: <c>/health/ready</c> at its first plain HTTP address.</summary>
    /// <param name="configuration">Holds <c>urls</c> or <c>http_ports</c>, as ASP.NET Core reads them.</param>
    /// <param name="defaultPort">Where the program listens when the configuration does not say.</param>
    public static Uri ReadyAddress(IConfiguration configuration, int defaultPort)
    {
        var listening = Split(configuration["urls"])
            .Select(BindingAddress.Parse)
            .Concat(Split(configuration["http_ports"]).Select(port => BindingAddress.Parse($"http://*:{port}")))
            .FirstOrDefault(address => address.Scheme == Uri.UriSchemeHttp && !address.IsUnixPipe);

        // Kestrel takes every name but localhost for a wildcard, and a wildcard answers on loopback too.
        var host = IPAddress.TryParse(listening?.Host, out var ip) && !ip.Equals(IPAddress.Any) && !ip.Equals(IPAddress.IPv6Any)
            ? ip
            : IPAddress.Loopback;
        return new UriBuilder(Uri.UriSchemeHttp, host.ToString(), listening?.Port ?? defaultPort, "/health/ready").Uri;
    }

    /// <summary>Asks once, for at most three seconds.</summary>
    /// <returns>What is wrong, as the end of a sentence that begins with the address; <c>null</c> when the program is ready.</returns>
    public static async Task<string?> FindProblemAsync(Uri address)
    {
        // A proxy of the environment has no business between a program and itself.
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeOut };
        try
        {
            using var response = await client.GetAsync(address);
            return response.IsSuccessStatusCode
                ? null
                : string.Create(CultureInfo.InvariantCulture, $"answered {(int)response.StatusCode}");
        }
        catch (HttpRequestException e)
        {
            return $"does not answer: {e.Message}";
        }
        catch (TaskCanceledException)
        {
            return string.Create(CultureInfo.InvariantCulture, $"did not answer within {TimeOut.TotalSeconds} s");
        }
    }

    private static string[] Split(string? values) =>
        values?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
}
